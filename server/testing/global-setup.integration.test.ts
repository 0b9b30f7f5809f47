import { Redis } from "ioredis";
import { expect, inject, onTestFinished, test } from "vitest";
import { deleteKeys } from "./global-setup.ts";

test("only the keys of the run's own prefix are deleted at its end", async () => {
  const prefix = `${inject("redisPrefix")}-ending`;
  const foreign = `${inject("redisPrefix")}-foreign`;
  const redis = new Redis(inject("redisUrl"));
  onTestFinished(() => redis.disconnect());
  await redis.mset(Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`${prefix}:{p}:${i}`, "x"])));
  await redis.set(foreign, "kept");

  await deleteKeys(inject("redisUrl"), prefix);

  expect(await redis.keys(`${prefix}*`)).toEqual([]);
  expect(await redis.get(foreign)).toBe("kept");
});
