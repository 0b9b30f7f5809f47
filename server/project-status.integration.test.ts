import { join } from "node:path";
import {
  GetProjectStatusResponse_StoreHealth_State as State,
  GetProjectStatusResponse_StoreHealth_Store as Store,
} from "@nexus/gen/nexus/v1/project_service_pb";
import { expect, inject, onTestFinished, test } from "vitest";
import { startRedisServer } from "./testing/redis-server.ts";
import { joinAs, startNexus } from "./testing/start-nexus.ts";
import { startServerProcess } from "./testing/start-server-process.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { openWorkplace } from "./testing/workplace.ts";

test("the status tells who holds what, what waits for whom, where it is hot and how the stores are", async () => {
  const nexus = await startNexus("redis");
  const place = await openWorkplace(nexus);
  const { ana, projectId } = place;
  await place.ready("holds", ["src", "hot.ts"]);
  await place.ready("waits", ["src/a.ts", "hot.ts"]);
  await place.ready("depends", ["hot.ts", "once.ts"], { dependsOn: ["waits"] });
  await place.ready("free", ["docs", "Docs"]);
  await place.ready("broken", ["lib"]);
  const crashed = await place.session();
  await place.hold("broken", crashed);
  await ana.sessions.closeSession({ projectId, sessionId: crashed, crashed: true });
  await place.hold("holds", await place.session());
  await nexus.advance(1_000);
  await place.hold("free", await place.session());

  const status = await ana.projects.getProjectStatus({ projectId });

  expect(status.sessions).toMatchObject([
    {
      engineerName: "ana",
      session: { featureSlug: "holds" },
      claims: [{ touches: [{ path: "src" }, { path: "hot.ts" }] }],
    },
    { session: { featureSlug: "free" }, claims: [{ featureSlug: "free" }] },
  ]);
  expect(status.sessions[0]?.session?.lastHeartbeatTime).toBeDefined();
  expect(status.interrupted).toMatchObject([{ slug: "broken", spec: "", interruption: { engineerName: "ana" } }]);
  expect(status.blocked).toMatchObject([
    { slug: "waits", heldBy: [{ featureSlug: "holds", agent: "claude" }], unmet: [] },
    { slug: "depends", heldBy: [{ featureSlug: "holds" }], unmet: ["waits"] },
  ]);
  expect(status.blockedCount).toBe(2);
  expect(status.hottestPaths).toMatchObject([{ path: "hot.ts", features: 3, heldFor: ["holds"] }]);
  expect(status).toMatchObject({
    oldestClaim: { featureSlug: "holds" },
    oldestClaimHolder: { engineerName: "ana" },
    stores: [
      { store: Store.POSTGRES, state: State.OK },
      { store: Store.CLAIMS, state: State.OK },
    ],
  });
});

test("however much has to be compared, what is free is not shown as blocked, nor what is blocked without its holder", async () => {
  const place = await openWorkplace(await startNexus("embedded"));
  const { ana, projectId } = place;
  const numbered = (entry: (number: number) => string) => Array.from({ length: 512 }, (_, number) => entry(number));
  await place.ready(
    "holds",
    numbered((number) => `src/f${number}.ts`),
  );
  await place.hold("holds", await place.session());
  const wide = ["wide-1", "wide-2"];
  for (const slug of wide) {
    await place.ready(
      slug,
      numbered((number) => `src/*${number}*.ts`),
    );
  }
  await place.ready("free", ["src/*.md"]);

  const status = await ana.projects.getProjectStatus({ projectId });
  const { lanes } = await ana.roadmap.getRoadmap({ projectId });
  const ready = await ana.features.listAvailableFeatures({ projectId, includeBlocked: true });

  const blocked = wide.map((slug) => ({ slug, heldBy: [{ featureSlug: "holds" }] }));
  expect(status).toMatchObject({ blocked, blockedCount: 2 });
  const entries = lanes.flatMap((lane) => lane.entries.map(({ feature, blockedBy }) => [feature?.slug, ...blockedBy]));
  expect(entries).toEqual([["holds"], ...wide.map((slug) => [slug, "holds"]), ["free"]]);
  expect(ready.features.map(({ slug }) => slug)).toEqual(["free"]);
});

test("while Redis is away the status says so, and answers what PostgreSQL knows", async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const redis = await startRedisServer(join(inject("scratchDir"), "status-redis"));
  const server = await startServerProcess({
    DATABASE_URL: url,
    REDIS_URL: redis.url,
    API_KEY_SALT: "a salt that only tests use",
    LOG_LEVEL: "silent",
  });
  onTestFinished(async () => {
    await server.end();
    await redis.stop();
  });
  const place = await openWorkplace({ join: (name) => joinAs(server.url, name) });
  await place.ready("held", ["src"]);
  await place.hold("held", await place.session());
  await redis.stop();

  const status = await place.ana.projects.getProjectStatus({ projectId: place.projectId });

  expect(status.stores[1]).toMatchObject({ store: Store.CLAIMS, state: State.UNAVAILABLE });
  expect(status.sessions).toMatchObject([{ session: { featureSlug: "held" }, claims: [] }]);
});
