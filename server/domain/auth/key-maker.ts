import { createHmac } from "node:crypto";
import type { RequestKey } from "../database.ts";
import type { EngineerId } from "../ids.ts";
import type { ApiKey, ApiKeyScope } from "./api-key.ts";
import { formatApiKey, randomApiKeyId, randomSecret, secretFrom } from "./api-key-format.ts";
import type { SecretHasher } from "./secret-hasher.ts";

/** What is known of a key before it is made. */
export interface ApiKeyPlan {
  readonly engineerId: EngineerId;
  readonly name: string;
  readonly scope: ApiKeyScope;
  readonly createTime: Date;
  readonly expireTime: Date | undefined;
}

/** A key that was made, but not stored yet. */
export interface MadeKey {
  readonly key: ApiKey;
  /** The key itself; its owner is shown it once. */
  readonly text: string;
  readonly secretHash: string;
}

/**
 * Makes keys.
 *
 * A repetition of a request has to answer the same key, but keys are not stored. So the secret of a key that was asked
 * for under a request id is derived from that id with a secret of the server; any other secret is random.
 */
export class KeyMaker {
  /** @param serverSecret API_KEY_SALT: equal on every server, known to nobody else */
  constructor(
    private readonly hasher: SecretHasher,
    private readonly serverSecret: string,
  ) {}

  /**
   * Makes a key.
   *
   * @throws RateLimitedError when too many are made at a time
   */
  async make(plan: ApiKeyPlan, request: RequestKey | undefined): Promise<MadeKey> {
    const id = randomApiKeyId();
    const secret = request === undefined ? randomSecret() : this.derivedSecret(id, request);
    const text = formatApiKey({ id, secret });
    return {
      key: { id, ...plan, lastFour: text.slice(-4), lastUsedTime: undefined },
      text,
      secretHash: await this.hasher.hash(secret),
    };
  }

  /** The text of a key that was made under this request. */
  textOf(id: string, request: RequestKey): string {
    return formatApiKey({ id, secret: this.derivedSecret(id, request) });
  }

  /** The key's id is part of it, so that a request id that comes again after it was forgotten makes another secret. */
  private derivedSecret(id: string, request: RequestKey): string {
    const input = JSON.stringify(["nexus api key secret", id, request.caller, request.requestId]);
    return secretFrom(createHmac("sha256", this.serverSecret).update(input).digest());
  }
}
