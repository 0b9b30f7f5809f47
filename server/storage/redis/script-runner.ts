import type { Redis } from "ioredis";
import { StoreUnavailableError } from "../../domain/errors.ts";
import type { RedisServers } from "./redis-servers.ts";
import type { Script } from "./scripts.ts";
import { ServerIdentity } from "./server-identity.ts";

/** A reply of a script, as RESP 2 has it. */
export type Reply = string | number | null | readonly Reply[];

/** First words of the errors that say something about the server, not about the call. */
const SERVER_ERRORS =
  /^(OOM|LOADING|BUSY|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|MISCONF|NOAUTH|NOPERM|WRONGPASS|UNKILLABLE)\b/;

/** What a server says that does not keep the key: nothing was run. Told only by a Cluster. */
const MOVED = /^MOVED\b/;

/**
 * Runs scripts where their keys are kept and tells each which server process it talks to, so that a script can refuse
 * data that an earlier process, or another one, has left.
 */
export class ScriptRunner {
  constructor(private readonly servers: RedisServers) {}

  /**
   * Runs a script with ARGV `epoch, server identity, ...rest`. Never sends it again once it may have changed anything.
   *
   * @param askAnew which server process this is; else what the connection has answered before is taken for true
   * @throws StoreUnavailableError when there was no answer, or an answer that says that the server can't serve
   */
  run(
    script: Script,
    keys: readonly string[],
    epoch: number,
    rest: readonly string[],
    askAnew = false,
  ): Promise<readonly Reply[]> {
    return this.at(keys, async (redis) => {
      const server = ServerIdentity.of(redis);
      if (askAnew) {
        server.forget();
      }
      const asked = await server.get();
      const reply = await send(redis, server, script, keys, [String(epoch), asked, ...rest]);
      if (reply[0] !== "RECOVERING" || reply.length > 1) {
        return reply;
      }
      // Refused for the server's identity, and nothing was changed: it may be ours that is out of date, because a
      // master that has lost all its replicas takes another replication id.
      server.forget();
      const current = await server.get();
      return current === asked ? reply : send(redis, server, script, keys, [String(epoch), current, ...rest]);
    });
  }

  /**
   * Makes a call at the server that keeps these keys; a second time, at another, when the first says that it does not.
   *
   * @throws StoreUnavailableError
   */
  at<Result>(keys: readonly string[], call: (redis: Redis) => Promise<Result>): Promise<Result> {
    const [key = ""] = keys;
    return this.guard(async () => {
      try {
        return await call(await this.servers.serverOf(key));
      } catch (error) {
        if (!isReplyError(error) || !MOVED.test(error.message)) {
          throw error;
        }
      }
      this.servers.doubt();
      return await call(await this.servers.serverOf(key));
    });
  }

  /**
   * Runs any call, turning what goes wrong on the way into StoreUnavailableError. Mistakes in our own code go through as
   * they are: nobody is to repeat the call for them.
   */
  async guard<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      if (isMistake(error) || (isReplyError(error) && !SERVER_ERRORS.test(error.message))) {
        throw error;
      }
      this.servers.doubt();
      throw error instanceof StoreUnavailableError ? error : new StoreUnavailableError("claims", { cause: error });
    }
  }
}

async function send(
  redis: Redis,
  server: ServerIdentity,
  script: Script,
  keys: readonly string[],
  argv: readonly string[],
): Promise<readonly Reply[]> {
  const lostBefore = server.lost;
  try {
    return (await redis.evalsha(script.sha1, keys.length, ...keys, ...argv)) as readonly Reply[];
  } catch (error) {
    if (!isReplyError(error) || !error.message.startsWith("NOSCRIPT")) {
      throw error;
    }
  }
  // Not run at all, so it may be sent again, as long as it is the same server that gets it.
  await redis.script("LOAD", script.source);
  if (server.lost !== lostBefore) {
    throw new Error("the connection was lost");
  }
  return (await redis.evalsha(script.sha1, keys.length, ...keys, ...argv)) as readonly Reply[];
}

/** Whether the language itself has thrown. Node's own errors of this kind carry a code: what a URL or a socket refused. */
function isMistake(error: unknown): boolean {
  const thrown = [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
  return thrown && !(error instanceof Error && "code" in error);
}

/** Whether Redis itself answered with an error, as opposed to not answering. */
function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}
