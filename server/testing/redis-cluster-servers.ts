import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

/** A private Redis Cluster of masters that share the slots evenly. */
export interface RedisClusterServers {
  readonly nodes: readonly RedisServer[];
  /** Of the first node, as RedisCluster.connect takes it. */
  readonly url: string;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const READY_BOUND_MS = 30_000;

/**
 * Starts a Cluster on free ports of 127.0.0.1 and waits until every node serves.
 *
 * @param folder where the nodes may write; made when missing
 */
export async function startRedisCluster(
  folder: string,
  size: number,
  settings: Record<string, string> = {},
): Promise<RedisClusterServers> {
  const nodes: RedisServer[] = [];
  const clients: Redis[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (let number = 0; number < size; number++) {
      const node = await startRedisServer(join(folder, `node${number}`), { "cluster-enabled": "yes", ...settings });
      nodes.push(node);
      clients.push(new Redis(node.url));
    }
    const [first, ...others] = clients;
    for (const [number, client] of clients.entries()) {
      const begin = Math.ceil((number * SLOTS) / size);
      await client.cluster("ADDSLOTSRANGE", begin, Math.ceil(((number + 1) * SLOTS) / size) - 1);
      await client.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1);
    }
    for (const client of others) {
      const [, busPort] = (await client.config("GET", "cluster-port")) as [string, string];
      await first?.call("CLUSTER", "MEET", "127.0.0.1", client.options.port ?? 0, busPort);
    }
    const end = performance.now() + READY_BOUND_MS;
    while (!(await Promise.all(clients.map((client) => knows(client, size)))).every(Boolean)) {
      if (performance.now() > end) throw new Error("the cluster does not come together");
      await pause(20);
    }
    return { nodes, url: nodes[0]?.url.replace("redis:", "redis+cluster:") ?? "", stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function knows(client: Redis, size: number): Promise<boolean> {
  const slots = (await client.cluster("SLOTS")) as unknown[];
  const info = String(await client.cluster("INFO"));
  return slots.length === size && info.includes("cluster_state:ok");
}
