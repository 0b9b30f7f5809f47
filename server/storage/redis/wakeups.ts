import { Redis } from "ioredis";
import type { WakeUpListener, WakeUps } from "../../domain/events/event-log.ts";
import type { ProjectId } from "../../domain/ids.ts";
import type { ConnectOptions } from "./connect.ts";

const LONGEST_PAUSE_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** The system asks so often whether the other end of a connection on which nothing is said still is there. */
const KEEP_ALIVE_MS = 10_000;

/** Wake-ups of all server processes over one Redis: one channel, since every process is told of every commit once. */
export class RedisWakeUps implements WakeUps {
  private readonly channel: string;
  private readonly publisher: Redis;
  private readonly subscriber: Redis;
  private listener: WakeUpListener | undefined;

  /**
   * Connects by itself, and again after every loss; what is published meanwhile is lost.
   *
   * @param url as of the claim store; of a Cluster its first node, which passes messages on to the others
   */
  constructor(url: string, { prefix = "nexus", onError }: ConnectOptions & { readonly prefix?: string } = {}) {
    this.channel = `${prefix}:events`;
    const node = new URL(url.replace("+cluster", ""));
    node.search = "";
    const connect = (name: string) => {
      const redis = new Redis(node.href, {
        protocol: 2,
        connectionName: name,
        connectTimeout: CONNECT_TIMEOUT_MS,
        keepAlive: KEEP_ALIVE_MS,
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        retryStrategy: (attempt) => Math.min(50 * attempt, LONGEST_PAUSE_MS),
      });
      redis.on("error", (error: Error) => onError?.(error));
      return redis;
    };
    this.publisher = connect("nexus-wakeups");
    this.subscriber = connect("nexus-events");
    // On every connection anew.
    this.subscriber.on("ready", () => this.subscriber.subscribe(this.channel).catch(() => {}));
    this.subscriber.on("message", (_channel: string, message: string) => this.hear(message));
  }

  publish(projectId: ProjectId, latest: bigint): void {
    this.listener?.(projectId, latest);
    this.publisher.publish(this.channel, `${projectId} ${latest}`).catch(() => {});
  }

  listen(listener: WakeUpListener): void {
    this.listener = listener;
  }

  async close(): Promise<void> {
    this.listener = undefined;
    this.publisher.disconnect();
    this.subscriber.disconnect();
  }

  private hear(message: string): void {
    const [, projectId, latest] = /^(\S+) (\d{1,18})$/.exec(message) ?? [];
    if (projectId !== undefined && latest !== undefined) this.listener?.(projectId as ProjectId, BigInt(latest));
  }
}
