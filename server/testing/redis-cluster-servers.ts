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
    await until("the cluster comes together", async () => {
      return (await Promise.all(clients.map((client) => knows(client, size)))).every(Boolean);
    });
    return { nodes, url: nodes[0]?.url.replace("redis:", "redis+cluster:") ?? "", stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
}

/**
 * Starts a node that replicates a master of a Cluster, and waits until it has all that the master has.
 *
 * @param master one of the Cluster's nodes
 */
export async function startReplica(folder: string, master: RedisServer): Promise<RedisServer> {
  const node = await startRedisServer(folder, { "cluster-enabled": "yes" });
  const [client, ofMaster] = [new Redis(node.url), new Redis(master.url)];
  try {
    const [, busPort] = (await ofMaster.config("GET", "cluster-port")) as [string, string];
    await client.call("CLUSTER", "MEET", "127.0.0.1", ofMaster.options.port ?? 0, busPort);
    const id = String(await ofMaster.cluster("MYID"));
    await until("the replica knows its master", async () => String(await client.cluster("NODES")).includes(id));
    // Refused until the two have shaken hands.
    await until("the replica is one", async () => (await client.cluster("REPLICATE", id).catch(() => "")) === "OK");
    await until("the replica is up to date", async () => (await ofMaster.wait(1, 100)) === 1);
    return node;
  } catch (error) {
    await node.stop();
    throw error;
  } finally {
    client.disconnect();
    ofMaster.disconnect();
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + READY_BOUND_MS; !(await holds()); await pause(20)) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
  }
}

async function knows(client: Redis, size: number): Promise<boolean> {
  const slots = (await client.cluster("SLOTS")) as unknown[];
  const info = String(await client.cluster("INFO"));
  return slots.length === size && info.includes("cluster_state:ok");
}
