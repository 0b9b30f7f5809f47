import argon2 from "argon2";
import type { SecretHasher } from "./domain/auth/secret-hasher.ts";

/** What OWASP recommends at least for argon2id: 19 MiB, two passes, one lane. About 25 to 60 ms each. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashes with argon2id, in the thread pool. */
export class Argon2Hasher implements SecretHasher {
  private readonly pepper: Buffer;

  /** @param pepper API_KEY_SALT: a secret that is not in the database, without which its hashes are worth nothing */
  constructor(pepper: string) {
    this.pepper = Buffer.from(pepper);
  }

  hash(secret: string): Promise<string> {
    return argon2.hash(secret, { ...COST, type: argon2.argon2id, secret: this.pepper });
  }

  verify(hash: string, secret: string): Promise<boolean> {
    return argon2.verify(hash, secret, { secret: this.pepper });
  }
}
