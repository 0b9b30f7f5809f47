import { RateLimitedError } from "../errors.ts";
import type { SecretHasher } from "./secret-hasher.ts";

/** Hashing more at a time starves the thread pool that files, DNS and the rest of the server share. */
const MAX_RUNNING = 2;
/** With about 50 ms each and two at a time, the last of them waits for less than two seconds. */
const MAX_WAITING = 64;
const RETRY_AFTER_MS = 2_000;

/** A hasher that does two things at a time, lets 64 more wait in order, and refuses what comes on top of those. */
export class BoundedHasher implements SecretHasher {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param onWait told that something waits for its turn, also where it need not; what it answers is called at its turn */
  constructor(
    private readonly hasher: SecretHasher,
    private readonly onWait: () => () => void = () => () => {},
  ) {}

  /** @throws RateLimitedError when too many wait already */
  hash(secret: string): Promise<string> {
    return this.inTurn(() => this.hasher.hash(secret));
  }

  /** @throws RateLimitedError when too many wait already */
  verify(hash: string, secret: string): Promise<boolean> {
    return this.inTurn(() => this.hasher.verify(hash, secret));
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const busy = this.running >= MAX_RUNNING;
    if (busy && this.waiting.length >= MAX_WAITING) throw new RateLimitedError(RETRY_AFTER_MS);
    const beginTurn = this.onWait();
    if (busy) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    beginTurn();
    try {
      return await work();
    } finally {
      // The place goes straight to the next in line, so that nobody slips in between.
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
