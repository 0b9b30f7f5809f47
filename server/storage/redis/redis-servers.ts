import type { Redis } from "ioredis";

/** The Redis servers that keep claims: one, or the masters of a Cluster. */
export interface RedisServers {
  /** The connection to the server that keeps this key. */
  serverOf(key: string): Promise<Redis>;
  /** Told that a server did not answer, or said that it does not keep the key: ask anew who does. */
  doubt(): void;
  /** Every connection there is. */
  all(): Promise<readonly Redis[]>;
}

/** One server that keeps every key. */
export class SingleRedis implements RedisServers {
  constructor(private readonly redis: Redis) {}

  async serverOf(): Promise<Redis> {
    return this.redis;
  }

  doubt(): void {}

  async all(): Promise<readonly Redis[]> {
    return [this.redis];
  }
}
