import type { Redis } from "ioredis";
import { infoField } from "./connect.ts";

/** Which server process is at the other end of a connection: its `run_id` and `master_replid`, asked once each time. */
export class ServerIdentity {
  private static readonly known = new WeakMap<Redis, ServerIdentity>();

  private asked: Promise<string> | undefined;
  /** How often the connection was lost so far. */
  lost = 0;

  private constructor(private readonly redis: Redis) {
    redis.on("close", () => {
      this.lost++;
      this.forget();
    });
  }

  static of(redis: Redis): ServerIdentity {
    let identity = ServerIdentity.known.get(redis);
    if (identity === undefined) {
      identity = new ServerIdentity(redis);
      ServerIdentity.known.set(redis, identity);
    }
    return identity;
  }

  /** Has the next call ask anew. */
  forget(): void {
    this.asked = undefined;
  }

  async get(): Promise<string> {
    const lostBefore = this.lost;
    this.asked ??= this.redis.info().then(identityOf);
    const { asked } = this;
    try {
      const server = await asked;
      if (this.lost === lostBefore) {
        return server;
      }
    } catch (error) {
      if (this.asked === asked) {
        this.forget();
      }
      throw error;
    }
    // The answer came from a connection that is gone; the next one may lead elsewhere.
    throw new Error("the connection was lost");
  }
}

/** Raised when what the scripts keep changes, so that what an earlier version has left is rebuilt and not served. */
const LAYOUT = 2;

function identityOf(info: string): string {
  return `${infoField(info, "run_id")}:${infoField(info, "master_replid")}:${LAYOUT}`;
}
