import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createNexusClient, NexusError, watchEvents } from "@nexus/client";
import { Redis } from "ioredis";
import postgres from "postgres";
import { expect, inject, onTestFinished, test } from "vitest";
import { startRedisServer } from "./testing/redis-server.ts";
import { TcpProxy } from "./testing/soak/tcp-proxy.ts";
import { clientsFor, joinAs } from "./testing/start-nexus.ts";
import { type ServerProcess, startServerProcess } from "./testing/start-server-process.ts";
import { createTestDatabase } from "./testing/test-database.ts";

const WATCHERS = 6;
const ROUNDS = 12;
const EVENTS = 150n;

/** A watcher that starts anew after every stop, and remembers only what it has got. */
class Watcher {
  readonly sequences: bigint[] = [];
  private stop = new AbortController();
  private running: Promise<void>;

  constructor(
    private readonly url: string,
    private readonly key: string,
    private readonly projectId: string,
  ) {
    this.running = this.run();
  }

  /** As if its process had been killed and started again. */
  async restart(): Promise<void> {
    await this.end();
    this.stop = new AbortController();
    this.running = this.run();
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const client = createNexusClient({ baseUrl: this.url, apiKey: this.key });
    const request = { projectId: this.projectId, after: this.sequences.at(-1) ?? 0n };
    const options = { signal: this.stop.signal, timeoutMs: 60_000 };
    try {
      for await (const { message } of watchEvents(client.events, request, options)) {
        if (message.case === "event") this.sequences.push(message.value.sequence);
      }
    } finally {
      client.close();
    }
  }
}

/** Two servers over one PostgreSQL and one Redis, each behind a proxy; a server comes back on its port. */
async function openWorld() {
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  const redis = await startRedisServer(join(inject("scratchDir"), `events-${randomUUID()}`));
  onTestFinished(() => redis.stop());
  const env = { DATABASE_URL: databaseUrl, REDIS_URL: redis.url, API_KEY_SALT: "a salt that only tests use" };
  const start = (port = "0") => startServerProcess({ ...env, LOG_LEVEL: "error", PORT: port });
  const servers: ServerProcess[] = [await start(), await start()];
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.end("SIGKILL")));
  });
  const proxies = await Promise.all(servers.map((server) => TcpProxy.start(Number(new URL(server.url).port))));
  onTestFinished(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
  return {
    urls: servers.map((server) => server.url),
    proxies,
    async replaceServer(index: number, signal: NodeJS.Signals) {
      const { port } = new URL(servers[index]?.url ?? "");
      await servers[index]?.end(signal);
      servers[index] = await start(port);
    },
    async cutPostgres() {
      const sql = postgres(databaseUrl, { max: 1 });
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`.catch(() => {});
      await sql.end();
    },
    async emptyRedis() {
      const admin = new Redis(redis.url);
      await admin.flushall();
      await admin.call("CLIENT", "KILL", "TYPE", "pubsub");
      await admin.call("CLIENT", "KILL", "TYPE", "normal").catch(() => {});
      admin.disconnect();
    },
  };
}

test("what watchers get equals the log, whatever is killed, cut and restarted under them", async () => {
  const world = await openWorld();
  const [first = "", second = ""] = world.urls;
  const ana = await joinAs(first, "ana");
  const { project } = await ana.projects.createProject({ slug: "shop" });
  const projectId = project?.id ?? "";
  const watchers = Array.from(
    { length: WATCHERS },
    (_, n) => new Watcher(`http://127.0.0.1:${world.proxies[n % 2]?.port}`, ana.key, projectId),
  );
  onTestFinished(async () => {
    await Promise.all(watchers.map((watcher) => watcher.end()));
  });

  // Writers go on all the time, through both servers; what fails may have happened or not.
  let writing = true;
  const writers = [first, second, first, second].map(async (baseUrl, writer) => {
    const client = createNexusClient({ baseUrl, apiKey: ana.key });
    for (let n = 0; writing; n++) {
      const slug = `f-${writer}-${n}`;
      try {
        await client.features.createFeature({ projectId, slug, title: slug });
        await client.features.markFeatureReady({ projectId, slug });
      } catch (error) {
        if (!(error instanceof NexusError)) throw error;
        await pause(50);
      }
    }
    client.close();
  });

  const any = (below: number) => Math.floor(Math.random() * below);
  const troubles = [
    () => world.replaceServer(any(2), "SIGKILL"),
    () => world.replaceServer(any(2), "SIGTERM"),
    () => world.cutPostgres(),
    () => world.emptyRedis(),
    async () => world.proxies[any(2)]?.cut(),
    async () => watchers[any(WATCHERS)]?.restart(),
  ];
  const seen = () => watchers.reduce((most, { sequences }) => maxOf(most, sequences.at(-1) ?? 0n), 0n);
  for (let round = 0; round < ROUNDS || seen() < EVENTS; round++) {
    await pause(any(400));
    await troubles[round % troubles.length]?.();
    await watchers[any(WATCHERS)]?.restart();
  }
  writing = false;
  await Promise.all(writers);

  const after = clientsFor(second, ana.key);
  const log: bigint[] = [];
  for (let pageToken = ""; ; ) {
    const page = await after.events.listEvents({ projectId, pageSize: 500, pageToken });
    log.push(...page.events.map(({ sequence }) => sequence));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  expect(log).toEqual(Array.from({ length: log.length }, (_, n) => BigInt(n + 1)));
  for (const watcher of watchers) {
    await expect.poll(() => watcher.sequences.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(log.length);
    expect(watcher.sequences).toEqual(log);
  }
}, 180_000);

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
