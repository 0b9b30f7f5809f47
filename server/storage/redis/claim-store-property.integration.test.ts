import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, inject } from "vitest";
import { claimStoreProperties } from "../../testing/claim-store-property.ts";
import { movedRedisStore } from "../../testing/moved-redis-store.ts";
import { connectRedis } from "./connect.ts";

describe("RedisClaimStore", () => {
  let redis: Redis;

  beforeAll(async () => {
    redis = await connectRedis(inject("redisUrl"));
  });

  afterAll(() => redis.quit());

  claimStoreProperties((bounds) => movedRedisStore(redis, inject("redisPrefix"), bounds), 1_000);
});
