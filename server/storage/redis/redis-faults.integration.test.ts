import { randomUUID } from "node:crypto";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { afterEach, describe, expect, inject, onTestFinished, test } from "vitest";
import { StoreUnavailableError } from "../../domain/errors.ts";
import {
  LOCK_DELAY_MS,
  newId,
  ProjectFixture,
  type StoreUnderTest,
  TTL_MS,
  touch,
} from "../../testing/claim-store-fixture.ts";
import { movedRedisStore } from "../../testing/moved-redis-store.ts";
import { type RedisServer, startRedisServer } from "../../testing/redis-server.ts";
import { RedisClaimStore } from "./claim-store.ts";
import { connectRedis, RedisUnsuitableError } from "./connect.ts";
import { projectKeys } from "./keys.ts";

const unavailable = expect.objectContaining({ name: "StoreUnavailableError" });
const open: Redis[] = [];

afterEach(() => {
  for (const redis of open.splice(0)) {
    redis.disconnect();
  }
});

describe("a Redis in trouble", () => {
  test("that may evict is refused", async () => {
    const server = await startServer({ "maxmemory-policy": "allkeys-lru" });
    await expect(connectRedis(server.url)).rejects.toBeInstanceOf(RedisUnsuitableError);
  });

  test("that is not there is a store that is unavailable", async () => {
    const server = await startServer();
    await server.stop();
    await expect(connectRedis(server.url)).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  test("without memory refuses claims and new sessions whole, and all that frees or keeps works", async () => {
    const server = await startServer();
    const redis = await connect(server);
    const project = await ProjectFixture.create(await movedRedisStore(redis, "nexus"));
    const [held, drained, provisional] = [
      await project.hold("a"),
      await project.hold("b"),
      await project.grant(await project.session(), ["c", "x/**/*.md"]),
    ];
    const { featureId } = held;
    const replaces = [held.claimId];
    const successor = await project.grant(provisional.sessionId, ["a/b"], { featureId, replaces });
    const taken = await project.hold("t");
    const before = await snapshot(redis);

    await redis.config("SET", "maxmemory", "1");
    await expect(project.acquire(held.sessionId, ["d", "e/**"])).rejects.toEqual(unavailable);
    await expect(project.extend(held, ["f"])).rejects.toEqual(unavailable);
    await expect(project.session()).rejects.toEqual(unavailable);
    expect(await snapshot(redis)).toEqual(before);
    const { store, scope } = project;
    expect((await store.heartbeat(scope, held.sessionId, 2 * TTL_MS)).kind).toBe("alive");
    expect((await store.confirm(scope, provisional.claimId)).kind).toBe("confirmed");
    expect((await store.retainTouches(scope, provisional.claimId, [touch("x/**/*.md")])).kind).toBe("retained");
    expect(await project.holders("c")).toEqual([]);
    expect((await store.confirm(scope, successor.claimId, replaces)).kind).toBe("confirmed");
    expect(await project.holders("a")).toEqual([successor.claimId]);
    expect((await store.drain(scope, [taken.claimId], LOCK_DELAY_MS)).kind).toBe("drained");
    expect((await store.endSession(scope, drained.sessionId, LOCK_DELAY_MS)).kind).toBe("ended");
    expect(await project.holders("x/b.md")).toEqual([provisional.claimId]);
    expect((await project.claims()).size).toBe(4);
    expect((await store.dueWork(scope, 1)).kind).toBe("due");
    expect(await project.release(successor, drained, taken, provisional)).toEqual({ kind: "released" });
    for (const { sessionId } of [held, taken, provisional]) {
      await store.endSession(scope, sessionId, 0);
    }
    expect(await project.leftovers()).toEqual([]);
    const next = { ...scope, epoch: 2 };
    expect((await store.beginRebuild(next, "mark")).kind).toBe("begun");
    expect((await store.finishRebuild(next, "mark")).kind).toBe("rebuilt");

    await redis.config("SET", "maxmemory", "0");
    expect((await store.openSession(next, held.sessionId, TTL_MS)).kind).toBe("alive");
  });

  test("that lost everything is recovering, with no epoch", async () => {
    const server = await startServer();
    const project = await ProjectFixture.create(await realStore(server));
    await (await connect(server)).flushall();
    expect(await project.store.list(project.scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
  });

  test("that is a promoted replica is recovering, whatever it has of the old master's data", async () => {
    const [master, replica] = [await startServer(), await startServer()];
    const project = await ProjectFixture.create(await realStore(master));
    await project.hold("a");
    const unfinished = { projectId: newId<"ProjectId">(), epoch: 1 };
    await project.store.beginRebuild(unfinished, "mark");
    const redis = await connect(replica);
    await redis.replicaof("127.0.0.1", new URL(master.url).port);
    await until(async () => (await redis.keys("*state")).length === 2);
    await redis.replicaof("NO", "ONE");

    const promoted = new RedisClaimStore(await connect(replica));

    expect(await promoted.list(project.scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
    expect(await promoted.finishRebuild(project.scope, "first")).toEqual({ kind: "superseded" });
    const restored = await promoted.rebuildSession(unfinished, "mark", newId<"SessionId">(), TTL_MS);
    expect(restored).toEqual({ kind: "superseded" });
    expect(await promoted.beginRebuild(project.scope, "first")).toEqual({ kind: "begun" });
  });

  test("whose replication id changed needs one recovery, after which every connection agrees", async () => {
    const server = await startServer({ "enable-debug-command": "yes" });
    const [one, other] = [await realStore(server), await realStore(server)];
    const project = await ProjectFixture.create(one);
    await (await connect(server)).call("DEBUG", "CHANGE-REPL-ID");
    const next = { ...project.scope, epoch: 2 };

    expect(await other.store.list(project.scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
    await other.store.beginRebuild(next, "mark");
    await other.store.finishRebuild(next, "mark");

    for (const { store } of [one, other]) {
      expect(await store.list(next)).toEqual({ kind: "listed", claims: [] });
    }
  });

  test("whose replication id changed is rebuilt under the new one, also over an old connection", async () => {
    const server = await startServer({ "enable-debug-command": "yes" });
    const one = await realStore(server);
    const project = await ProjectFixture.create(one);
    await (await connect(server)).call("DEBUG", "CHANGE-REPL-ID");
    const next = { ...project.scope, epoch: 2 };

    await one.store.beginRebuild(next, "mark");
    await one.store.finishRebuild(next, "mark");

    expect(await (await realStore(server)).store.list(next)).toEqual({ kind: "listed", claims: [] });
  });

  test("behind an address that leads elsewhere after a cut is asked anew who it is", async () => {
    const [master, replica] = [await startServer(), await startServer()];
    const road = await startRoad(master.url);
    const project = await ProjectFixture.create(await realStore(road));
    await project.hold("a");
    const redis = await connect(replica);
    await redis.replicaof("127.0.0.1", new URL(master.url).port);
    await until(async () => (await redis.keys("*state")).length === 1);
    await redis.replicaof("NO", "ONE");

    road.leadTo(replica.url);

    await until(async () => (await project.store.ping().catch(() => "no")) !== "no");
    expect(await project.store.list(project.scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
  });

  test("that refuses some calls as recovering fails none of those that run beside them", async () => {
    const server = await startServer();
    const project = await ProjectFixture.create(await realStore(server));
    await (await connect(server)).script("FLUSH");
    const unknown = { projectId: newId<"ProjectId">(), epoch: 1 };

    const asked = Array.from({ length: 40 }, (_, i) => project.store.list(i % 2 === 0 ? project.scope : unknown));

    const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
    expect(kinds).toEqual(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? "listed" : "recovering")));
  });

  test("that forgot the scripts gets them again", async () => {
    const server = await startServer();
    const redis = await connect(server);
    const project = await ProjectFixture.create(await realStore(server));
    await redis.script("FLUSH");
    await project.hold("a");
  });

  test("that hangs fails the call in bounded time, gets it once, and serves again when it is back", async () => {
    const server = await startServer();
    const project = await ProjectFixture.create(await realStore(server, 300));
    const sessionId = await project.session();
    await project.hold("warm");
    const watch = await connect(server);
    const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await watch.info("commandstats"))?.[1]);
    const before = await calls();

    process.kill(server.pid, "SIGSTOP");
    await expect(project.acquire(sessionId, ["a"])).rejects.toEqual(unavailable);
    process.kill(server.pid, "SIGCONT");

    await until(async () => (await project.store.ping().catch(() => "no")) !== "no");
    await until(async () => (await calls()) > before);
    expect(await calls()).toBe(before + 1);
    expect((await project.store.list(project.scope, sessionId)).kind).toBe("listed");
  });

  test("that cuts the connection gets a new one", async () => {
    const server = await startServer();
    const project = await ProjectFixture.create(await realStore(server));
    await (await connect(server)).call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await until(async () => (await project.store.ping().catch(() => "no")) !== "no");
    await project.hold("a");
  });

  test("that is gone fails every call at once", async () => {
    const server = await startServer();
    const project = await ProjectFixture.create(await realStore(server));
    await server.stop();
    await expect(project.store.list(project.scope)).rejects.toEqual(unavailable);
    await expect(project.store.ping()).rejects.toEqual(unavailable);
    await expect(project.store.deleteProject(project.scope.projectId)).rejects.toEqual(unavailable);
  });

  test("that holds what Nexus never wrote is a defect, not an unavailable store", async () => {
    const server = await startServer();
    const redis = await connect(server);
    const project = await ProjectFixture.create(await realStore(server));
    const [state] = projectKeys("nexus", project.scope.projectId);
    await redis.set(state ?? "", "text");
    await expect(project.store.list(project.scope)).rejects.toThrow("WRONGTYPE");
  });
});

describe("the clock", () => {
  test("is the time of Redis", async () => {
    const redis = await connect({ url: inject("redisUrl") });
    const store = new RedisClaimStore(redis, { prefix: `${inject("redisPrefix")}:${randomUUID()}` });
    const project = await ProjectFixture.create({ store, advance: pause, leftovers: async () => [] });
    const before = await redisTime(redis);
    const granted = await project.grant(await project.session(), ["a"]);
    const after = await redisTime(redis);
    expect(granted.acquireTime.getTime()).toBeGreaterThanOrEqual(before);
    expect(granted.acquireTime.getTime()).toBeLessThanOrEqual(after);
  });

  test("stands still when it is set back, until it is past the greatest time seen", async () => {
    const redis = await connect({ url: inject("redisUrl") });
    const project = await ProjectFixture.create(await movedRedisStore(redis, inject("redisPrefix")));
    const sessionId = await project.session();
    await project.advance(1_000);
    const first = await project.grant(sessionId, ["a"]);
    await project.advance(-3_600_000);
    const second = await project.grant(first.sessionId, ["b"]);
    expect(second.acquireTime).toEqual(first.acquireTime);
    expect(second.expireTime).toEqual(first.expireTime);
    await project.advance(3_600_000 + TTL_MS);
    expect((await project.claims()).get(first.claimId)?.sessionExpired).toBe(true);
  });
});

test("every verb keeps to one slot of a Cluster", async () => {
  const server = await startServer({ "cluster-enabled": "yes" });
  const redis = await connect(server);
  await redis.cluster("ADDSLOTSRANGE", 0, 16383);
  await until(async () => String(await redis.cluster("INFO")).includes("cluster_state:ok"));
  const project = await ProjectFixture.create(await realStore(server));
  const { store, scope } = project;
  const held = await project.hold("a", "**/*.md", "b/{c,d}");
  expect(await project.holders("a")).toEqual([held.claimId]);
  expect((await store.heartbeat(scope, held.sessionId, TTL_MS)).kind).toBe("alive");
  expect((await store.listLeases(scope)).kind).toBe("listed");
  expect((await store.dueWork(scope, 1)).kind).toBe("due");
  expect((await project.claims()).size).toBe(1);
  expect((await store.endSession(scope, held.sessionId, LOCK_DELAY_MS)).kind).toBe("ended");
  expect(await project.release(held)).toEqual({ kind: "released" });
  expect(await project.leftovers()).toEqual([]);
  const next = { ...scope, epoch: 2 };
  await store.beginRebuild(next, "mark");
  expect((await store.rebuildSession(next, "mark", held.sessionId, TTL_MS)).kind).toBe("rebuilt");
  const claim = { ...held, touches: [] };
  expect((await store.rebuildClaim(next, "mark", claim)).kind).toBe("rebuilt");
  await store.deleteProject(scope.projectId);
  expect(await redis.dbsize()).toBe(0);
});

async function startServer(settings: Record<string, string> = {}): Promise<RedisServer> {
  const server = await startRedisServer(join(inject("scratchDir"), randomUUID()), settings);
  onTestFinished(() => server.stop());
  return server;
}

async function connect(server: { readonly url: string }, commandTimeoutMs?: number): Promise<Redis> {
  const redis = await connectRedis(server.url, commandTimeoutMs === undefined ? {} : { commandTimeoutMs });
  open.push(redis);
  return redis;
}

/** An address of its own that leads to a Redis, and cuts every connection when it is led to another. */
async function startRoad(url: string): Promise<{ readonly url: string; leadTo(url: string): void }> {
  let target = new URL(url);
  const sockets = new Set<Socket>();
  const road = createServer((socket) => {
    const onward = createConnection(Number(target.port), target.hostname);
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on("error", () => {});
      each.on("close", () => [socket, onward].map((end) => end.destroy()));
    }
    socket.pipe(onward).pipe(socket);
  });
  const cut = () => [...sockets].map((socket) => socket.destroy());
  await new Promise<void>((resolve) => road.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    cut();
    road.close();
  });
  const address = road.address() as AddressInfo;
  return {
    url: `redis://127.0.0.1:${address.port}`,
    leadTo: (next) => {
      target = new URL(next);
      cut();
    },
  };
}

/** A store that goes by the time of its server. */
async function realStore(server: { readonly url: string }, commandTimeoutMs?: number): Promise<StoreUnderTest> {
  const redis = await connect(server, commandTimeoutMs);
  return {
    store: new RedisClaimStore(redis),
    advance: pause,
    leftovers: async (projectId) => {
      const [, ...keys] = projectKeys("nexus", projectId);
      return (await redis.exists(...keys)) === 0 ? [] : ["keys"];
    },
  };
}

/** Every key with its contents. */
async function snapshot(redis: Redis): Promise<Map<string, Buffer | null>> {
  const keys = (await redis.keys("*")).sort();
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return new Map(keys.map((key, i) => [key, dumps[i] ?? null]));
}

async function redisTime(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

/** Waits for what another process will do by itself. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await pause(10);
  }
}
