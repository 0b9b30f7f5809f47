import { chmod, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import type { ProjectId } from "../../domain/ids.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../storage/embedded/postgres.ts";
import { runningPostmaster } from "../../storage/embedded/postmaster.ts";
import { projectKeys } from "../../storage/redis/keys.ts";
import { type RedisServer, startRedisServer } from "../redis-server.ts";
import { startTestingServer, type TestingServer } from "../start-testing-server.ts";
import { TcpProxy } from "./tcp-proxy.ts";

/** What a server keeps its state in. */
export type Store = "redis" | "postgres";

/** How wrong each server's clock is: nothing may depend on it. */
const CLOCK_OFFSETS_MS = [0, 3_600_000, -3_600_000];
const RECONCILE_MS = 500;
/** Nobody waits for a server that does not come up: the stores may be away for longer. */
const RESTART_PAUSE_MS = 300;

/** One of the servers: a process that may be dead or stopped, and the network between it and the stores. */
interface Place {
  readonly proxies: Readonly<Record<Store, TcpProxy>>;
  readonly clockOffsetMs: number;
  process: TestingServer | undefined;
  stopped: boolean;
  /** Counts starts, so that a start that was overtaken by another end gives up. */
  generation: number;
}

/** A PostgreSQL and a Redis of their own, and servers that reach each of them through a proxy of their own. */
export class World {
  private ended = false;
  /** Of servers that were killed. */
  private readonly outputs: string[] = [];
  /** Servers that nobody killed, with what they said. */
  private readonly crashes: string[] = [];
  readonly places: Place[] = [];

  private constructor(
    private readonly folder: string,
    private postgres: EmbeddedPostgres,
    private redis: RedisServer,
  ) {}

  /** @param folder an existing one, where the stores keep their data */
  static async start(folder: string, servers: number): Promise<World> {
    // The account that runs PostgreSQL for root has to get in.
    await chmod(folder, 0o711);
    const world = new World(folder, await startPostgres(folder), await startRedis(folder));
    try {
      for (let number = 0; number < servers; number++) {
        world.places.push({
          proxies: {
            redis: await TcpProxy.start(portOf(world.redis.url)),
            postgres: await TcpProxy.start(portOf(world.postgres.url)),
          },
          clockOffsetMs: CLOCK_OFFSETS_MS[number % CLOCK_OFFSETS_MS.length] ?? 0,
          process: undefined,
          stopped: false,
          generation: 0,
        });
      }
      // One after the other: the first brings the tables up to date.
      for (let number = 0; number < servers; number++) await world.startServer(number);
      return world;
    } catch (error) {
      await world.end();
      throw error;
    }
  }

  /** Where a server listens; undefined while it does not run. A stopped one still accepts connections. */
  urlOf(number: number): string | undefined {
    return this.places[number]?.process?.url;
  }

  /** What servers logged so far that must not happen, whatever happens to them: ends, defects and alarms. */
  defects(): string[] {
    const running = this.places.map((place) => place.process?.output() ?? "");
    const logged = [...this.outputs, ...running].flatMap((output) => output.split("\n").filter(isDefect));
    return [...this.crashes, ...logged];
  }

  async killServer(number: number): Promise<void> {
    const place = this.place(number);
    const { process } = place;
    place.process = undefined;
    place.stopped = false;
    place.generation++;
    if (process === undefined) return;
    await process.end("SIGKILL");
    this.outputs.push(process.output());
  }

  /** Starts a server that does not run, trying again while the stores are away. */
  async startServer(number: number): Promise<void> {
    const place = this.place(number);
    const generation = ++place.generation;
    for (let attempt = 1; !this.ended && place.generation === generation; attempt++) {
      try {
        const process = await startTestingServer(this.environmentOf(place), {
          reconcileMs: RECONCILE_MS,
          clockOffsetMs: place.clockOffsetMs,
        });
        if (this.ended || place.generation !== generation) {
          await process.end("SIGKILL");
          return;
        }
        place.process = process;
        process.ended.then(() => {
          if (place.process === process) this.crashes.push(`server ${number} ended by itself:\n${process.output()}`);
        });
        return;
      } catch (error) {
        if (attempt === 100) throw error;
        await pause(RESTART_PAUSE_MS);
      }
    }
  }

  /** SIGSTOP: it goes on later as if nothing had happened. */
  stopServer(number: number): void {
    const place = this.place(number);
    place.process?.child.kill("SIGSTOP");
    place.stopped = place.process !== undefined;
  }

  continueServer(number: number): void {
    const place = this.place(number);
    place.process?.child.kill("SIGCONT");
    place.stopped = false;
  }

  proxy(number: number, store: Store): TcpProxy {
    return this.place(number).proxies[store];
  }

  /** kill -9, and a start with what was in it or without. */
  async restartRedis(data: "kept" | "lost", awayMs: number): Promise<void> {
    await this.redis.stop();
    if (data === "lost") await rm(join(this.folder, "redis"), { recursive: true, force: true });
    await pause(awayMs);
    if (this.ended) return;
    this.redis = await startRedis(this.folder);
    for (const { proxies } of this.places) proxies.redis.targetPort = portOf(this.redis.url);
  }

  async flushRedis(): Promise<void> {
    const redis = new Redis(this.redis.url, { retryStrategy: () => null });
    redis.on("error", () => {});
    try {
      await redis.flushall();
    } finally {
      redis.disconnect();
    }
  }

  /** What Redis keeps of a project besides its state. */
  async keysOf(projectId: string): Promise<string[]> {
    const redis = new Redis(this.redis.url);
    try {
      const [, ...kinds] = projectKeys("nexus", projectId as ProjectId);
      const found = await Promise.all(kinds.map(async (key) => ((await redis.exists(key)) === 1 ? key : undefined)));
      return found.filter((key) => key !== undefined);
    } finally {
      redis.disconnect();
    }
  }

  /** Ends PostgreSQL, in order or as a crash would, and starts it again. */
  async restartPostgres(how: "in order" | "crash", awayMs: number): Promise<void> {
    if (how === "crash") {
      const pgData = await realpath(join(this.folder, "postgres", "postgres", "data"));
      const master = await runningPostmaster(pgData);
      if (master === undefined) throw new Error("PostgreSQL does not run where it should");
      process.kill(master.pid, "SIGQUIT");
      while ((await runningPostmaster(pgData)) !== undefined) await pause(20);
    }
    await this.postgres.stop();
    await pause(awayMs);
    if (this.ended) return;
    this.postgres = await startPostgres(this.folder);
    for (const { proxies } of this.places) proxies.postgres.targetPort = portOf(this.postgres.url);
  }

  /** Ends everything. */
  async end(): Promise<void> {
    this.ended = true;
    await Promise.all(this.places.map((_, number) => this.killServer(number)));
    await Promise.all(this.places.flatMap(({ proxies }) => [proxies.redis.close(), proxies.postgres.close()]));
    await this.redis.stop();
    await this.postgres.stop();
  }

  private place(number: number): Place {
    const place = this.places[number];
    if (place === undefined) throw new Error(`there is no server ${number}`);
    return place;
  }

  private environmentOf({ proxies }: Place): Record<string, string> {
    const database = new URL(this.postgres.url);
    database.port = String(proxies.postgres.port);
    return {
      DATABASE_URL: database.href,
      REDIS_URL: `redis://127.0.0.1:${proxies.redis.port}`,
      API_KEY_SALT: "a salt that only tests use",
      LOG_LEVEL: "error",
    };
  }
}

function startPostgres(folder: string): Promise<EmbeddedPostgres> {
  // Durable: a crash must not lose what was committed.
  return startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
}

function startRedis(folder: string): Promise<RedisServer> {
  return startRedisServer(join(folder, "redis"), { appendonly: "yes" });
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function isDefect(line: string): boolean {
  return line.startsWith("{") && /"alarm":|"reason":"INTERNAL"|"level":"fatal"/.test(line);
}
