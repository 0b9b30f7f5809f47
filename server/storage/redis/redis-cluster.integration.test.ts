import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { StoreUnavailableError } from "../../domain/errors.ts";
import { claimStoreContract } from "../../testing/claim-store-contract.ts";
import { newId, ProjectFixture } from "../../testing/claim-store-fixture.ts";
import { movedClusterStore } from "../../testing/moved-cluster-store.ts";
import { type RedisClusterServers, startRedisCluster } from "../../testing/redis-cluster-servers.ts";
import { RedisClaimStore } from "./claim-store.ts";
import { RedisUnsuitableError } from "./connect.ts";
import { keySlot } from "./key-slot.ts";
import { projectKeys } from "./keys.ts";
import { RedisCluster } from "./redis-cluster.ts";

const SIZE = 3;

describe("RedisClaimStore over a Cluster", () => {
  let servers: RedisClusterServers;
  let cluster: RedisCluster;

  beforeAll(async () => {
    servers = await startRedisCluster(join(inject("scratchDir"), randomUUID()), SIZE);
    cluster = await RedisCluster.connect(servers.url);
  });

  afterAll(async () => {
    await cluster?.close();
    await servers?.stop();
  });

  claimStoreContract((bounds) => movedClusterStore(cluster, bounds));

  test("keeps projects on every node", async () => {
    const nodes = await cluster.all();
    expect(nodes).toHaveLength(SIZE);
    const under = await movedClusterStore(cluster);
    const before = await Promise.all(nodes.map((node) => node.dbsize()));
    for (let i = 0; i < 30; i++) {
      await ProjectFixture.create(under);
    }
    const after = await Promise.all(nodes.map((node) => node.dbsize()));
    for (const [number, size] of after.entries()) {
      expect(size).toBeGreaterThan(before[number] ?? 0);
    }
  });

  test("computes the slots that Redis does", async () => {
    const [node] = await cluster.all();
    for (const key of ["a", "nexus:{6a3c}:state", "{}a", "a{b}{c}", "a{b", "ä{ö}ü", randomUUID()]) {
      expect(await node?.cluster("KEYSLOT", key)).toBe(keySlot(key));
    }
  });

  test("follows a slot to another node, where the project is recovering until it is rebuilt", async () => {
    const project = await ProjectFixture.create(await movedClusterStore(cluster));
    await project.hold("a");
    await moveSlot(project);

    expect(await project.store.list(project.scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
    const next = { ...project.scope, epoch: 2 };
    expect(await project.store.beginRebuild(next, "mark")).toEqual({ kind: "begun" });
    expect(await project.store.finishRebuild(next, "mark")).toEqual({ kind: "rebuilt" });
    await ProjectFixture.at(project.under, next).hold("a");
  });

  test("does not serve data that came along with a slot: another process has written it", async () => {
    const project = await ProjectFixture.create(await movedClusterStore(cluster));
    const [state = ""] = projectKeys("nexus", project.scope.projectId);
    const data = await (await cluster.serverOf(state)).dumpBuffer(state);
    const target = await moveSlot(project);
    await target.restore(state, 0, data, "REPLACE");
    expect(await project.store.list(project.scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
  });

  test("deletes a project whose slot has moved", async () => {
    const project = await ProjectFixture.create(await movedClusterStore(cluster));
    await moveSlot(project);
    await project.store.deleteProject(project.scope.projectId);
    expect(await project.leftovers()).toEqual([]);
  });

  /**
   * Gives a project's slot, emptied but for its clock, to another node. Emptied of everything: one project in a few
   * hundred shares its slot with one of an earlier test, and Redis gives no slot away while it holds a key of it.
   */
  async function moveSlot(project: ProjectFixture) {
    const [state = ""] = projectKeys("nexus", project.scope.projectId);
    const source = await cluster.serverOf(state);
    const target = (await cluster.all()).find((node) => node !== source);
    if (target === undefined) throw new Error("there is one node only");
    const clock = state.replace(/state$/, "clock");
    const time = (await source.get(clock)) ?? "";
    await source.unlink(...(await source.cluster("GETKEYSINSLOT", keySlot(state), 1000)));
    const owner = String(await target.cluster("MYID"));
    for (const node of [target, source, ...(await cluster.all())]) {
      await node.call("CLUSTER", "SETSLOT", keySlot(state), "NODE", owner);
    }
    await target.set(clock, time);
    return target;
  }
});

describe("a Cluster in trouble", () => {
  test("one of whose nodes may evict is refused", async () => {
    const servers = await start(2);
    const cluster = await RedisCluster.connect(servers.url);
    const [, second] = await cluster.all();
    await second?.config("SET", "maxmemory-policy", "allkeys-lru");
    await cluster.close();
    await expect(RedisCluster.connect(servers.url)).rejects.toBeInstanceOf(RedisUnsuitableError);
  });

  test("of which no node is there is a store that is unavailable", async () => {
    const servers = await start(1);
    await servers.stop();
    await expect(RedisCluster.connect(servers.url)).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  test("whose named node is not there is found by another", async () => {
    const servers = await start(1);
    const { host } = new URL(servers.url);
    const cluster = await RedisCluster.connect(`redis+cluster://127.0.0.1:1?node=${host}`);
    onTestFinished(() => cluster.close());
    expect(await cluster.all()).toHaveLength(1);
  });

  test("of which one node is gone serves the projects of the others", async () => {
    const servers = await start(2, { "cluster-require-full-coverage": "no" });
    const cluster = await RedisCluster.connect(servers.url);
    onTestFinished(() => cluster.close());
    const store = new RedisClaimStore(cluster);
    const under = { store, advance: pause, leftovers: async () => [] };
    const projects = await Promise.all(Array.from({ length: 20 }, () => ProjectFixture.create(under)));
    await servers.nodes[1]?.stop();

    const kinds = await Promise.all(
      projects.map(({ scope }) =>
        store.list(scope).then(
          ({ kind }) => kind,
          (error: Error) => error.name,
        ),
      ),
    );

    expect(new Set(kinds)).toEqual(new Set(["listed", "StoreUnavailableError"]));
    const served = projects[kinds.indexOf("listed")];
    expect((await served?.store.openSession(served.scope, newId<"SessionId">(), 1_000))?.kind).toBe("alive");
    await expect(store.ping()).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  async function start(size: number, settings: Record<string, string> = {}): Promise<RedisClusterServers> {
    const servers = await startRedisCluster(join(inject("scratchDir"), randomUUID()), size, settings);
    onTestFinished(() => servers.stop());
    return servers;
  }
});
