import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { RedisClaimStore, type RedisClaimStoreOptions } from "../storage/redis/claim-store.ts";
import { projectKeys } from "../storage/redis/keys.ts";
import type { SearchBounds, StoreUnderTest } from "./claim-store-fixture.ts";

/** As in lua/search.lua. */
const UNITS_PER_STEP = 3;

/** The bounds as RedisClaimStore takes them. */
export function redisBounds({
  maxCandidates,
  maxSteps,
}: SearchBounds): Pick<RedisClaimStoreOptions, "maxCandidates" | "maxUnits"> {
  return {
    ...(maxCandidates !== undefined && { maxCandidates }),
    ...(maxSteps !== undefined && { maxUnits: UNITS_PER_STEP * maxSteps }),
  };
}

/** A Redis claim store whose time stands in a key of its own, and moves only when it is told to. */
export async function movedRedisStore(
  redis: Redis,
  prefix: string,
  bounds: SearchBounds = {},
): Promise<StoreUnderTest> {
  const clock = `${prefix}:clock:${randomUUID()}`;
  await redis.set(clock, Date.parse("2026-01-01"));
  const nowSource = [
    `local function clock() return tonumber(redis.call('GET', '${clock}')) end`,
    `local MAX_TICK_GAP_MS = ${bounds.maxTickGapMs ?? "math.huge"}`,
  ].join("\n");
  const store = new RedisClaimStore(redis, { ...redisBounds(bounds), prefix, nowSource });
  return {
    store,
    advance: async (ms) => {
      await redis.incrby(clock, ms);
    },
    leftovers: async (projectId) => {
      const [, ...keys] = projectKeys(prefix, projectId);
      const left = await Promise.all(keys.map(async (key) => ((await redis.exists(key)) === 1 ? key : undefined)));
      return left.filter((key) => key !== undefined);
    },
  };
}
