import type { Redis } from "ioredis";
import { StoreUnavailableError } from "../../domain/errors.ts";
import { type ConnectOptions, connectRedis, RedisUnsuitableError } from "./connect.ts";
import { keySlot } from "./key-slot.ts";
import type { RedisServers } from "./redis-servers.ts";

/** `host:port` */
type Address = string;

interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly master: Address;
}

/**
 * The masters of a Redis Cluster, each over a connection of its own.
 *
 * ioredis' own Cluster sends a call again when a node does not answer, and hides which node ran it. Here a call goes
 * once, to a node that is known: its identity goes with every script, so that data which another server has written is
 * never served (a promoted replica, a slot that was moved).
 */
export class RedisCluster implements RedisServers {
  private readonly nodes = new Map<Address, Promise<Redis>>();
  private slots: Promise<readonly SlotRange[]> | undefined;

  private constructor(
    private readonly seeds: readonly Address[],
    private readonly urlOf: (address: Address) => string,
    private readonly options: ConnectOptions,
  ) {}

  /**
   * Connects to every master.
   *
   * @param url `redis+cluster://` or `rediss+cluster://` with credentials if need be and the address of a node; more
   *   nodes to ask at the start are given as `?node=host:port&node=host:port`
   * @throws RedisUnsuitableError when a node's version or configuration does not do
   * @throws StoreUnavailableError when no node of it answers, or not every slot has a master that does
   */
  static async connect(url: string, options: ConnectOptions = {}): Promise<RedisCluster> {
    const parsed = new URL(url);
    const scheme = parsed.protocol.replace("+cluster", "");
    const credentials = parsed.username + (parsed.password === "" ? "" : `:${parsed.password}`);
    const urlOf = (address: Address) => `${scheme}//${credentials === "" ? "" : `${credentials}@`}${address}`;
    const cluster = new RedisCluster([parsed.host, ...parsed.searchParams.getAll("node")], urlOf, options);
    try {
      await cluster.all();
      return cluster;
    } catch (error) {
      await cluster.close();
      if (error instanceof RedisUnsuitableError || error instanceof StoreUnavailableError) throw error;
      throw new StoreUnavailableError("claims", { cause: error });
    }
  }

  async serverOf(key: string): Promise<Redis> {
    const slot = keySlot(key);
    const range = (await this.ranges()).find(({ first, last }) => first <= slot && slot <= last);
    if (range === undefined) {
      this.doubt();
      throw new StoreUnavailableError("claims", { cause: new Error(`no node of the cluster serves slot ${slot}`) });
    }
    return this.node(range.master);
  }

  doubt(): void {
    this.slots = undefined;
  }

  async all(): Promise<readonly Redis[]> {
    const masters = new Set((await this.ranges()).map(({ master }) => master));
    return Promise.all([...masters].map((address) => this.node(address)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes.keys()].map((address) => this.drop(address)));
  }

  private ranges(): Promise<readonly SlotRange[]> {
    if (this.slots === undefined) {
      const asked = this.askForSlots();
      this.slots = asked;
      asked.catch(() => {
        if (this.slots === asked) this.doubt();
      });
    }
    return this.slots;
  }

  /** Asks the nodes that are known, one after the other, until one answers; drops those that are no masters any more. */
  private async askForSlots(): Promise<readonly SlotRange[]> {
    let failure: unknown;
    for (const address of new Set([...this.nodes.keys(), ...this.seeds])) {
      try {
        const ranges = slotRanges(await (await this.node(address)).cluster("SLOTS"), address);
        const masters = new Set(ranges.map(({ master }) => master));
        await Promise.all([...this.nodes.keys()].map((known) => (masters.has(known) ? undefined : this.drop(known))));
        return ranges;
      } catch (error) {
        if (error instanceof RedisUnsuitableError) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  private node(address: Address): Promise<Redis> {
    let node = this.nodes.get(address);
    if (node === undefined) {
      node = connectRedis(this.urlOf(address), this.options);
      this.nodes.set(address, node);
      node.catch(() => this.nodes.delete(address));
    }
    return node;
  }

  private async drop(address: Address): Promise<void> {
    const node = this.nodes.get(address);
    this.nodes.delete(address);
    await node?.then((redis) => redis.quit().catch(() => redis.disconnect())).catch(() => {});
  }
}

/** CLUSTER SLOTS: `[first, last, [host, port, ...], ...replicas]` each. A node that does not know its host is the asked. */
function slotRanges(reply: unknown, asked: Address): SlotRange[] {
  const askedHost = asked.slice(0, asked.lastIndexOf(":"));
  return (reply as [number, number, [string | null, number]][]).map(([first, last, [host, port]]) => ({
    first,
    last,
    master: `${host || askedHost}:${port}`,
  }));
}
