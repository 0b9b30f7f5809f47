import { type ChildProcess, fork, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createNexusClient } from "@nexus/client";
import { byNexus } from "../../server/domain/events/event.ts";
import type { ProjectId } from "../../server/domain/ids.ts";
import { startEmbeddedPostgres } from "../../server/storage/embedded/postgres.ts";
import { connectPostgres } from "../../server/storage/postgres/connect.ts";
import { PostgresDatabase } from "../../server/storage/postgres/database.ts";
import { RedisWakeUps } from "../../server/storage/redis/wakeups.ts";
import { startRedisServer } from "../../server/testing/redis-server.ts";
import { createScratchDir } from "../../server/testing/scratch-dir.ts";
import { endProcess } from "../process/end-process.ts";
import type { WatchersOrder, WatchersReport } from "./messages.ts";
import { monotonicMs } from "./monotonic.ts";

/** Streams that one engineer may have on a server. */
const STREAMS_PER_ENGINEER = 200;
const BOUND_MS = 60_000;
/** Transactions of one project take turns, so beyond this several events come from one, as they do from a pick. */
const COMMITS_PER_SECOND = 50;
/** Nothing is on its way any more when nothing has come for so long. */
const SETTLED_MS = 3_000;

/** What one run is. */
export interface Load {
  readonly watchers: number;
  readonly eventsPerSecond: number;
  readonly seconds: number;
}

/** What one run showed. */
export interface Outcome extends Load {
  /** Events that were committed in a second. */
  readonly committedPerSecond: number;
  readonly deliveries: number;
  /** What every watcher should have got, and did not, or twice, or not in order. */
  readonly wrong: number;
  /** From COMMIT to receipt, in milliseconds. */
  readonly latencies: readonly number[];
  readonly cpuMicrosPerDelivery: number;
  /** How busy the server process was: 1 is one core. */
  readonly serverLoad: number;
  readonly bytesPerWatcher: number;
  readonly failures: readonly string[];
}

/** A server process over a PostgreSQL and a Redis of its own, and a way to commit events as another server would. */
export class EventBench implements AsyncDisposable {
  /** When each event was committed. */
  private readonly commits = new Map<number, number>();
  /** How many of them a transaction has. */
  private together = 1;

  private constructor(
    private readonly url: string,
    private readonly folder: string,
    private readonly database: PostgresDatabase,
    private readonly stop: () => Promise<void>,
  ) {}

  static async start(folder: string): Promise<EventBench> {
    const scratch = await createScratchDir();
    const undo: (() => Promise<unknown>)[] = [() => scratch.remove()];
    const stop = async () => {
      for (const step of undo.reverse()) await step();
    };
    try {
      const postgres = await startEmbeddedPostgres({ dataDir: join(scratch.path, "data") });
      undo.push(() => postgres.stop());
      const redis = await startRedisServer(join(scratch.path, "redis"));
      undo.push(() => redis.stop());
      const stores = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, API_KEY_SALT: "only the benchmark uses this" };
      const server = spawn(process.execPath, [join(folder, "../../server/dist/main.js")], {
        env: { PATH: process.env["PATH"] ?? "", PORT: "0", LOG_LEVEL: "error", ...stores },
        stdio: ["ignore", "inherit", "pipe"],
      });
      undo.push(() => endProcess(server, BOUND_MS));
      const url = await servingUrl(server);
      const wakeUps = new RedisWakeUps(redis.url);
      undo.push(() => wakeUps.close());
      const bench: EventBench = new EventBench(
        url,
        folder,
        new PostgresDatabase(connectPostgres(postgres.url, 4), {
          publish: (projectId, latest) => {
            // COMMIT has answered just now.
            const now = monotonicMs();
            for (let n = 0; n < bench.together; n++) bench.commits.set(Number(latest) - n, now);
            wakeUps.publish(projectId, latest);
          },
        }),
        stop,
      );
      undo.push(() => bench.database.close());
      return bench;
    } catch (error) {
      await stop();
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Lets so many watch a new project, and so much happen in it. */
  async run(load: Load): Promise<Outcome> {
    const { projectId, keys } = await this.people(load.watchers);
    const before = await this.metrics();
    const watchers = await startWatchers(this.folder, { url: this.url, projectId, keys });
    try {
      const idle = await this.metrics();
      this.commits.clear();
      const startedMs = monotonicMs();
      await this.commitEvents(projectId as ProjectId, load);
      const seconds = (monotonicMs() - startedMs) / 1_000;
      await watchers.settled(this.commits.size * load.watchers);
      const after = await this.metrics();
      const { received, failures } = await watchers.received();
      const latencies = received.flatMap((one) => this.latenciesOf(one));
      return {
        ...load,
        committedPerSecond: this.commits.size / seconds,
        deliveries: latencies.length,
        wrong: received.reduce((sum, one) => sum + this.wrongIn(one), 0),
        latencies,
        cpuMicrosPerDelivery: ((after.cpuSeconds - idle.cpuSeconds) * 1e6) / latencies.length,
        serverLoad: (after.cpuSeconds - idle.cpuSeconds) / ((monotonicMs() - startedMs) / 1_000),
        bytesPerWatcher: (idle.residentBytes - before.residentBytes) / load.watchers,
        failures,
      };
    } finally {
      await endProcess(watchers.child, BOUND_MS);
    }
  }

  /** Evenly spaced; what can't be committed in time is committed as soon as it can be. */
  private async commitEvents(projectId: ProjectId, { eventsPerSecond, seconds }: Load): Promise<void> {
    const startedMs = monotonicMs();
    const running = new Set<Promise<void>>();
    this.together = eventsPerSecond > 2 * COMMITS_PER_SECOND ? Math.ceil(eventsPerSecond / COMMITS_PER_SECOND) : 1;
    const { together } = this;
    for (let n = 0; n < eventsPerSecond * seconds; n += together) {
      const dueMs = startedMs + (n * 1_000) / eventsPerSecond - monotonicMs();
      if (dueMs > 1) await pause(dueMs);
      if (running.size >= 4) await Promise.race(running);
      const one = this.database
        .transact(async (tx) => {
          const payload = { kind: "session", state: "open", agent: "claude" } as const;
          const event = { ...byNexus(), projectId, time: new Date(), payload };
          tx.events.append(...Array.from({ length: together }, () => event));
        })
        .finally(() => running.delete(one));
      running.add(one);
    }
    await Promise.all(running);
  }

  private latenciesOf(received: readonly number[]): number[] {
    const latencies: number[] = [];
    for (let at = 0; at < received.length; at += 2) {
      const committed = this.commits.get(received[at] ?? 0);
      if (committed !== undefined) latencies.push((received[at + 1] ?? 0) - committed);
    }
    return latencies;
  }

  private wrongIn(received: readonly number[]): number {
    const got = received.filter((_, index) => index % 2 === 0);
    const first = Math.min(...this.commits.keys());
    const inOrder = got.filter((sequence, index) => sequence === first + index).length;
    return Math.max(this.commits.size, got.length) - inOrder;
  }

  /** A project with as many members as it takes for that many streams; the key of each stream. */
  private async people(watchers: number): Promise<{ projectId: string; keys: string[] }> {
    const anonymous = createNexusClient({ baseUrl: this.url });
    const keys: string[] = [];
    let projectId = "";
    let owner = anonymous;
    for (let engineer = 0; engineer * STREAMS_PER_ENGINEER < watchers; engineer++) {
      const email = `watcher-${engineer}-${Date.now()}@example.com`;
      const { apiKey } = await anonymous.auth.register({ name: "watcher", email });
      if (engineer === 0) {
        owner = createNexusClient({ baseUrl: this.url, apiKey });
        const { project } = await owner.projects.createProject({ slug: "bench" });
        projectId = project?.id ?? "";
      } else await owner.projects.addMember({ projectId, email });
      const streams = Math.min(STREAMS_PER_ENGINEER, watchers - engineer * STREAMS_PER_ENGINEER);
      keys.push(...Array.from({ length: streams }, () => apiKey));
    }
    owner.close();
    anonymous.close();
    return { projectId, keys };
  }

  private async metrics(): Promise<{ cpuSeconds: number; residentBytes: number }> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name} ([0-9.e+]+)`, "m").exec(text)?.[1]);
    return { cpuSeconds: value("process_cpu_seconds_total"), residentBytes: value("process_resident_memory_bytes") };
  }
}

async function startWatchers(folder: string, order: WatchersOrder) {
  const child = fork(join(folder, "events-watchers.js"));
  const answers: ((report: WatchersReport) => void)[] = [];
  child.on("message", (report) => answers.shift()?.(report as WatchersReport));
  const next = () => new Promise<WatchersReport>((resolve) => answers.push(resolve));
  const watching = next();
  child.send(order);
  await watching;
  const ask = (what: "count" | "received") => {
    const answer = next();
    child.send(what);
    return answer;
  };
  return {
    child,
    /** Waits until so many events have come, or nothing comes any more. */
    async settled(events: number) {
      let before = -1;
      for (let quietMs = 0; quietMs < SETTLED_MS; ) {
        const answer = await ask("count");
        const count = answer.kind === "count" ? answer.events : 0;
        if (count >= events) return;
        quietMs = count === before ? quietMs + 100 : 0;
        before = count;
        await pause(100);
      }
    },
    async received() {
      const answer = await ask("received");
      return answer.kind === "received" ? answer : { received: [], failures: ["no report"] };
    },
  };
}

function servingUrl(server: ChildProcess): Promise<string> {
  let told = "";
  return new Promise((resolve, reject) => {
    const bound = setTimeout(() => reject(new Error(`the server did not start in time: ${told}`)), BOUND_MS);
    server.stderr?.on("data", (chunk: Buffer) => {
      told += chunk;
      const url = /serves on (\S+)/.exec(told)?.[1];
      if (url === undefined) return;
      clearTimeout(bound);
      resolve(url);
    });
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${told}`)));
  });
}
