import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { expect, inject, onTestFinished, test } from "vitest";
import { keySlot } from "./storage/redis/key-slot.ts";
import { type RedisClusterServers, startRedisCluster, startReplica } from "./testing/redis-cluster-servers.ts";
import type { RedisServer } from "./testing/redis-server.ts";
import { joinAs } from "./testing/start-nexus.ts";
import { startServerProcess } from "./testing/start-server-process.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { openWorkplace, refusalOf, type Workplace } from "./testing/workplace.ts";

const BOUND_MS = 40_000;

test.each([
  ["takes over from a master that lives", []],
  ["is forced, its master having been killed", ["FORCE"]],
  ["takes over by itself, its master having been killed", ["TAKEOVER"]],
])("a replica that %s serves the claims again: none is lost, none overlaps, and tokens rise", async (_, how) => {
  const cluster = await startRedisCluster(join(inject("scratchDir"), randomUUID()), 3);
  onTestFinished(() => cluster.stop());
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  const server = await startServerProcess({
    DATABASE_URL: databaseUrl,
    REDIS_URL: cluster.url,
    API_KEY_SALT: "a salt that only tests use",
  });
  onTestFinished(async () => void (await server.end()));
  const work = await openWorkplace({ join: (name) => joinAs(server.url, name) });
  await work.ana.projects.updateProject({
    projectId: work.projectId,
    project: { settings: { lockDelay: { seconds: 0n } } },
    updateMask: { paths: ["settings.lock_delay"] },
  });
  await work.ready("login", ["src"]);
  await work.ready("other", ["src/a.ts"]);
  await work.ready("third", ["docs"]);
  const [one, two, three] = [await work.session(), await work.session(), await work.session()];
  const first = await work.hold("login", one);

  await promote(cluster, work.projectId, how);

  const refused = await served(() => refusalOf(work.pick("other", two)));
  expect(refused.reason).toBe("CLAIM_CONFLICT");
  const third = await work.hold("third", three);
  // Another epoch: the claims were rebuilt, and not just read from what the replica had.
  expect(third >> 32n).toBeGreaterThan(first >> 32n);
  expect(await tokensOf(work)).toEqual(
    new Map([
      ["login", first],
      ["third", third],
    ]),
  );
  await work.done("login", one, first);
  expect(await work.hold("other", two)).toBeGreaterThan(third);
});

/** Makes a new replica of the master that keeps the project the master in its place. */
async function promote(cluster: RedisClusterServers, projectId: string, how: readonly string[]): Promise<void> {
  const slot = keySlot(`nexus:{${projectId}}:state`);
  const master = cluster.nodes[Math.floor((slot * cluster.nodes.length) / 16_384)] as RedisServer;
  const replica = await startReplica(join(inject("scratchDir"), randomUUID()), master);
  onTestFinished(() => replica.stop());
  const redis = new Redis(replica.url);
  onTestFinished(() => redis.disconnect());
  if (how.length > 0) await master.stop();
  await redis.call("CLUSTER", "FAILOVER", ...how);
  const end = performance.now() + BOUND_MS;
  while (!(await redis.info("replication")).includes("role:master")) {
    if (performance.now() > end) throw new Error("the replica is not promoted");
    await pause(20);
  }
}

/** The first answer that is not that the store is away or recovering. */
async function served<Answer extends { readonly code: string }>(ask: () => Promise<Answer>): Promise<Answer> {
  for (const end = performance.now() + BOUND_MS; ; await pause(50)) {
    const answer = await ask();
    if (answer.code !== "Unavailable" || performance.now() > end) return answer;
  }
}

async function tokensOf({ ana, projectId }: Workplace): Promise<Map<string, bigint>> {
  const { claims } = await ana.claims.listClaims({ projectId });
  return new Map(claims.map(({ featureSlug, fencingToken }) => [featureSlug, fencingToken]));
}
