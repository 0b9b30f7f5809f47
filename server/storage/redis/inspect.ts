import type { Redis } from "ioredis";
import { connectRedis, infoField } from "./connect.ts";
import { RedisCluster } from "./redis-cluster.ts";

/** What an operator should know of a Redis, or of one master of a Cluster. */
export interface RedisFindings {
  readonly version: string;
  readonly role: string;
  readonly connectedReplicas: number;
  readonly minReplicasToWrite: number | undefined;
  readonly usedBytes: number;
  /** 0 where nothing but the machine bounds it. */
  readonly maxBytes: number;
  /** How far its clock is ahead of this process's, in milliseconds; exact to half the time of a call. */
  readonly clockAheadMs: number;
}

/**
 * Looks at the Redis that the claims are in without changing anything; one finding for each master of a Cluster.
 *
 * @throws RedisUnsuitableError, StoreUnavailableError
 */
export async function inspectRedis(url: string): Promise<readonly RedisFindings[]> {
  if (new URL(url).protocol.includes("+cluster")) {
    const cluster = await RedisCluster.connect(url);
    try {
      return await Promise.all((await cluster.all()).map(inspect));
    } finally {
      await cluster.close();
    }
  }
  const redis = await connectRedis(url);
  try {
    return [await inspect(redis)];
  } finally {
    redis.disconnect();
  }
}

async function inspect(redis: Redis): Promise<RedisFindings> {
  const info = await redis.info();
  const sentMs = Date.now();
  const [seconds, microseconds] = await redis.time();
  const clockAheadMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (sentMs + Date.now()) / 2;
  return {
    version: infoField(info, "redis_version") ?? "unknown",
    role: infoField(info, "role") ?? "unknown",
    connectedReplicas: Number(infoField(info, "connected_slaves") ?? 0),
    minReplicasToWrite: await minReplicasToWrite(redis),
    usedBytes: Number(infoField(info, "used_memory") ?? 0),
    maxBytes: Number(infoField(info, "maxmemory") ?? 0),
    clockAheadMs,
  };
}

/** Undefined where CONFIG is not allowed, as with most hosted ones. */
async function minReplicasToWrite(redis: Redis): Promise<number | undefined> {
  try {
    const [, value] = (await redis.config("GET", "min-replicas-to-write")) as string[];
    return value === undefined ? undefined : Number(value);
  } catch {
    return undefined;
  }
}
