import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { ClaimScope, ClaimTouch } from "../../server/domain/claims/claim-store.ts";
import type { ProjectId, SessionId } from "../../server/domain/ids.ts";
import { parsePatterns } from "../../server/domain/paths/parse-patterns.ts";
import { RedisClaimStore } from "../../server/storage/redis/claim-store.ts";
import { connectRedis } from "../../server/storage/redis/connect.ts";
import { startRedisServer } from "../../server/testing/redis-server.ts";
import { createScratchDir } from "../../server/testing/scratch-dir.ts";

type Redis = Awaited<ReturnType<typeof connectRedis>>;

const DAY_MS = 24 * 3_600_000;
/** More than a table of a million members has buckets, before and after it doubles. */
const LOOK_UPS = 2_200_000;

/** A project that holds something, and the session that asks for more. */
export interface BenchProject {
  readonly scope: ClaimScope;
  readonly sessionId: SessionId;
  /** How many paths it holds, and what each takes of the memory of Redis. */
  readonly held: number;
  readonly bytesPerPath: number;
}

/** A private Redis and a claim store over it. Ended when it is disposed of. */
export class BenchStore implements AsyncDisposable {
  private constructor(
    readonly redis: Redis,
    readonly store: RedisClaimStore,
    private readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<BenchStore> {
    const scratch = await createScratchDir();
    const server = await startRedisServer(join(scratch.path, "redis"), {
      // A naive scan of a million paths is let run to its end.
      "busy-reply-threshold": "600000",
    });
    const redis = await connectRedis(server.url, { commandTimeoutMs: 600_000 });
    return new BenchStore(redis, new RedisClaimStore(redis), async () => {
      redis.disconnect();
      await server.stop();
      await scratch.remove();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Begins the rebuild of a new project, which is how much is put into it fast. */
  async begin(): Promise<ClaimScope> {
    const scope = { projectId: randomUUID() as ProjectId, epoch: 1 };
    await this.store.beginRebuild(scope, "bench");
    return scope;
  }

  async openSession(scope: ClaimScope): Promise<SessionId> {
    const sessionId = randomUUID() as SessionId;
    await this.store.openSession(scope, sessionId, DAY_MS);
    return sessionId;
  }

  async rebuildSession(scope: ClaimScope): Promise<SessionId> {
    const sessionId = randomUUID() as SessionId;
    await this.store.rebuildSession(scope, "bench", sessionId, DAY_MS);
    return sessionId;
  }

  /** Microseconds that all scripts together have taken inside Redis, as it counts them itself. */
  async scriptTime(): Promise<number> {
    const counted = /cmdstat_evalsha:calls=\d+,usec=(\d+)/.exec(await this.redis.info("commandstats"))?.[1];
    return Number(counted ?? 0);
  }

  /** Microseconds of processor time that the thread has taken which runs the scripts, with all else that it does. */
  async processorTime(): Promise<number> {
    const info = await this.redis.info("cpu");
    const seconds = ["user", "sys"].map((kind) => new RegExp(`used_cpu_${kind}_main_thread:([\\d.]+)`).exec(info)?.[1]);
    return seconds.reduce((sum, each) => sum + Number(each) * 1_000_000, 0);
  }

  /**
   * Lets every hash table come to the end of its growth. Redis moves a bucket of a table that has doubled with each
   * look-up in it, so that a fill leaves the largest ones in the middle of that.
   */
  async finishGrowth(): Promise<void> {
    const lookUps = { hash: "HEXISTS", zset: "ZSCORE" };
    const script = `for _ = 1, ${LOOK_UPS} do redis.call(ARGV[1], KEYS[1], '') end`;
    for (const key of await this.redis.keys("*")) {
      const lookUp = lookUps[(await this.redis.type(key)) as keyof typeof lookUps];
      if (lookUp !== undefined) await this.redis.eval(script, 1, key, lookUp);
    }
  }

  async usedMemory(): Promise<number> {
    return Number(/used_memory:(\d+)/.exec(await this.redis.info("memory"))?.[1]);
  }
}

/** Exclusive touches of these entries. */
export function toTouches(texts: readonly string[]): ClaimTouch[] {
  return parsePatterns(texts, { caseSensitive: false }, (index) => texts[index] ?? "").map((pattern) => ({
    pattern,
    mode: "exclusive",
  }));
}
