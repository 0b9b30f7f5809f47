import type { Redis } from "ioredis";
import { StoreUnavailableError } from "../../domain/errors.ts";
import { infoField } from "./connect.ts";
import type { Script } from "./scripts.ts";

/** A reply of a script, as RESP 2 has it. */
export type Reply = string | number | null | readonly Reply[];

/** First words of the errors that say something about the server, not about the call. */
const SERVER_ERRORS =
  /^(OOM|LOADING|BUSY|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|MISCONF|NOAUTH|NOPERM|WRONGPASS|UNKILLABLE)\b/;

/**
 * Runs scripts on one connection and tells each which server process it talks to, so that a script can refuse data
 * that an earlier process, or another one, has left.
 */
export class ScriptRunner {
  private identity: Promise<string> | undefined;
  /** How many connections were lost so far. */
  private lost = 0;

  constructor(private readonly redis: Redis) {
    redis.on("close", () => {
      this.lost++;
      this.forgetIdentity();
    });
  }

  /**
   * Runs a script with ARGV `epoch, server identity, ...rest`. Never sends it again once it may have changed anything.
   *
   * @throws StoreUnavailableError when there was no answer, or an answer that says that the server can't serve
   */
  run(script: Script, keys: readonly string[], epoch: number, rest: readonly string[]): Promise<readonly Reply[]> {
    return this.guard(async () => {
      const asked = await this.serverIdentity();
      const reply = await this.send(script, keys, [String(epoch), asked, ...rest]);
      if (reply[0] !== "RECOVERING" || reply.length > 1) {
        return reply;
      }
      // Refused for the server's identity, and nothing was changed: it may be ours that is out of date, because a
      // master that has lost all its replicas takes another replication id.
      this.forgetIdentity();
      const current = await this.serverIdentity();
      return current === asked ? reply : this.send(script, keys, [String(epoch), current, ...rest]);
    });
  }

  /** Has the next script ask anew which server process it talks to. */
  forgetIdentity(): void {
    this.identity = undefined;
  }

  /** Runs any call, turning what goes wrong on the way into StoreUnavailableError. */
  async guard<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      if (isReplyError(error) && !SERVER_ERRORS.test(error.message)) {
        throw error;
      }
      throw new StoreUnavailableError("claims", { cause: error });
    }
  }

  private async send(script: Script, keys: readonly string[], argv: readonly string[]): Promise<readonly Reply[]> {
    const lostBefore = this.lost;
    try {
      return (await this.redis.evalsha(script.sha1, keys.length, ...keys, ...argv)) as readonly Reply[];
    } catch (error) {
      if (!isReplyError(error) || !error.message.startsWith("NOSCRIPT")) {
        throw error;
      }
    }
    // Not run at all, so it may be sent again, as long as it is the same server that gets it.
    await this.redis.script("LOAD", script.source);
    if (this.lost !== lostBefore) {
      throw new Error("the connection was lost");
    }
    return (await this.redis.evalsha(script.sha1, keys.length, ...keys, ...argv)) as readonly Reply[];
  }

  /** `run_id` and `master_replid` of the process at the other end; asked once for each connection. */
  private async serverIdentity(): Promise<string> {
    const lostBefore = this.lost;
    this.identity ??= this.redis.info().then(identityOf);
    const asked = this.identity;
    try {
      const server = await asked;
      if (this.lost === lostBefore) {
        return server;
      }
    } catch (error) {
      if (this.identity === asked) {
        this.forgetIdentity();
      }
      throw error;
    }
    // The answer came from a connection that is gone; the next one may lead elsewhere.
    throw new Error("the connection was lost");
  }
}

function identityOf(info: string): string {
  return `${infoField(info, "run_id")}:${infoField(info, "master_replid")}`;
}

/** Whether Redis itself answered with an error, as opposed to not answering. */
function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}
