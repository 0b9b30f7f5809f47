import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { FAILPOINTS } from "./domain/failpoint.ts";
import { joinAs } from "./testing/start-nexus.ts";
import { startServerProcess } from "./testing/start-server-process.ts";
import { startTestingServer } from "./testing/start-testing-server.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

const SALT = "a salt that only tests use";

async function servedStores(): Promise<Record<string, string>> {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  return { DATABASE_URL: url, REDIS_URL: inject("redisUrl"), API_KEY_SALT: SALT };
}

test("what users run knows no failpoint, no wrong clock and no test's switch; what tests run knows them all", async () => {
  const [production, testing] = await Promise.all(
    ["main.js", "main.testing.js"].map((name) => readFile(join(import.meta.dirname, "dist", name), "utf8")),
  );
  const words = [...FAILPOINTS, "failpoint", "killedAt", "NEXUS_TEST_CLOCK_OFFSET_MS", "NEXUS_TEST_RECONCILE_MS"];

  expect(words.filter((word) => production?.includes(word))).toEqual([]);
  expect(words.filter((word) => !testing?.includes(word))).toEqual([]);
});

test("what users run refuses a lease of one second; what tests run grants it, and lets it run out", async () => {
  const stores = await servedStores();
  const production = await startServerProcess({ ...stores });
  onTestFinished(async () => void (await production.end()));
  const testing = await startTestingServer(stores, { reconcileMs: 50 });
  onTestFinished(async () => void (await testing.end()));
  const settings = { sessionTtl: { seconds: 1n, nanos: 0 }, lockDelay: { seconds: 0n, nanos: 0 } };

  const user = await joinAs(production.url, "ana");
  const refusal = await refusalOf(user.projects.createProject({ slug: "shop", settings }));
  expect(refusal.reason).toBe("REQUEST_INVALID");

  const { projects, sessions } = await joinAs(testing.url, "ana");
  const { project } = await projects.createProject({ slug: "shop", settings });
  const projectId = project?.id ?? "";
  await sessions.openSession({ projectId });
  await expect
    .poll(async () => (await sessions.listActiveSessions({ projectId })).sessions.length, { timeout: 20_000 })
    .toBe(0);
});

test("a server that is killed between both commits of a pick says where it died", async () => {
  const stores = await servedStores();
  const [one, two] = [await startTestingServer(stores), await startTestingServer(stores)];
  onTestFinished(async () => void (await Promise.all([one.end(), two.end()])));
  const work = await openWorkplace({ join: (name) => joinAs(one.url, name) });
  await work.ready("login", ["a"]);
  const session = await work.session();

  await one.arm("pick.after-commit", "kill");
  await expect(work.pick("login", session)).rejects.toThrow();
  await one.ended;

  expect(await one.fired("pick.after-commit")).toBe(true);
  expect(await two.audit(work.projectId)).toEqual([]);
});

test("a server whose clock is an hour off stamps records so", async () => {
  const hourMs = 3_600_000;
  const server = await startTestingServer(await servedStores(), { clockOffsetMs: -hourMs });
  onTestFinished(async () => void (await server.end()));
  const { projects } = await joinAs(server.url, "ana");

  const { project } = await projects.createProject({ slug: "shop" });

  const stampedMs = Number(project?.createTime?.seconds ?? 0n) * 1_000;
  expect(Math.abs(Date.now() - hourMs - stampedMs)).toBeLessThan(600_000);
});
