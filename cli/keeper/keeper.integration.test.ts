import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { afterAll, beforeAll, inject, type TestContext, test } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { joinAs, type TestEngineer } from "../../server/testing/start-nexus.ts";
import { startTestingServer, type TestingServer } from "../../server/testing/start-testing-server.ts";
import { createTestDatabase, type TestDatabase } from "../../server/testing/test-database.ts";
import { systemProcessTable } from "../session/process-table.ts";
import { SessionStore, type StoredSession } from "../session/session-store.ts";
import { isRunning } from "../session/worker-process.ts";
import { FakeAgent } from "../testing/fake-agent.ts";
import { UNSEEN_MS } from "./keeper.ts";
import { type KeeperRecord, KeeperRecords } from "./keeper-record.ts";

/** What a lease takes to run out in the tests that wait for it; a keeper looks once a second. */
const SHORT_LEASE_S = 5n;

let scratch: ScratchDir;
let database: TestDatabase;
let server: TestingServer;
let ana: TestEngineer;

beforeAll(async () => {
  scratch = await createScratchDir();
  database = await createTestDatabase();
  server = await startTestingServer(
    { DATABASE_URL: database.url, REDIS_URL: inject("redisUrl"), API_KEY_SALT: "a salt that only tests use" },
    { reconcileMs: 100 },
  );
  ana = await joinAs(server.url, "ana");
});

afterAll(async () => {
  await server?.end();
  await database?.drop();
  await scratch?.remove();
});

/** A project with one ready feature, and a machine of its own: agents whose state folder nobody else has. */
async function openDesk(name: string, { expect, onTestFinished }: TestContext, leaseS = 300n) {
  const settings = { sessionTtl: { seconds: leaseS, nanos: 0 }, lockDelay: { seconds: 1n, nanos: 0 } };
  const { project } = await ana.projects.createProject({ slug: name, settings });
  const projectId = project?.id ?? "";
  const folder = join(scratch.path, name);
  mkdirSync(folder);
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    XDG_STATE_HOME: join(folder, "state"),
    NEXUS_URL: server.url,
    NEXUS_API_KEY: ana.key,
    NEXUS_PROJECT: projectId,
  };
  const records = new KeeperRecords(env);
  const store = new SessionStore(env);
  onTestFinished(async () => {
    // What a test left held would be kept for as long as its agents live: the tests' own process may be among them.
    for (const record of records.list()) end(record, "SIGKILL");
  });
  return {
    /** The test's own: tests of this file run at the same time. */
    expect,
    projectId,
    store,
    records,
    folder,
    async ready(slug: string) {
      await ana.features.createFeature({ projectId, slug, title: slug, touches: [{ path: `src/${slug}.ts` }] });
      await ana.features.markFeatureReady({ projectId, slug });
    },
    agent(id: string) {
      const agent = new FakeAgent(folder, env, id);
      onTestFinished(() => agent.end());
      return agent;
    },
    async feature(slug: string) {
      const { feature } = await ana.features.getFeature({ projectId, slug });
      return { status: feature?.status, holder: feature?.holder, interruption: feature?.interruption };
    },
    /** The one keeper of this machine, once it is there. */
    async keeper(): Promise<KeeperRecord> {
      await expect.poll(() => records.list().length).toBe(1);
      return records.list()[0] as KeeperRecord;
    },
    /** Every session that this machine knows. */
    sessions(): StoredSession[] {
      return store.list().flatMap(({ sessionId }) => store.read(sessionId) ?? []);
    },
    /** Lets so much time pass for the keeper since the last command of the session. */
    age(session: StoredSession, byMs: number, change: Partial<StoredSession["keeping"]> = {}) {
      const { keeping } = session;
      if (keeping === undefined) throw new Error("nobody keeps that session");
      const lastCommandTime = new Date(Date.parse(keeping.lastCommandTime) - byMs).toISOString();
      store.save({ ...session, keeping: { ...keeping, ...change, lastCommandTime } }, new Date());
    },
  };
}

type Desk = Awaited<ReturnType<typeof openDesk>>;

function runs({ process: { pid, startTime, machine } }: KeeperRecord): boolean {
  return isRunning({ pid, startTime, machine }, systemProcessTable(process.platform));
}

function end(record: KeeperRecord, signal: NodeJS.Signals): void {
  if (runs(record)) process.kill(record.process.pid, signal);
}

/** Nothing of the keeper is left but its log. */
async function isGone({ expect, folder }: Desk, record: KeeperRecord) {
  await expect.poll(() => runs(record)).toBe(false);
  expect(readdirSync(join(folder, "state", "nexus", "keepers"))).toEqual([`${record.id}.log`]);
}

test.concurrent("what a killed agent held is free long before its lease is over, and its next life is told", async (context) => {
  const { expect } = context;
  const desk = await openDesk("killed", context);
  await desk.ready("login");
  const agent = desk.agent("one");
  expect((await agent.run(["pick", "login"])).exitCode).toBe(0);
  const keeper = await desk.keeper();
  expect(runs(keeper)).toBe(true);

  agent.signal("SIGKILL");

  await expect.poll(async () => (await desk.feature("login")).status).toBe(FeatureStatus.READY);
  const { session } = await ana.sessions.openSession({ projectId: desk.projectId });
  await ana.features.pickFeature({ projectId: desk.projectId, slug: "login", sessionId: session?.id ?? "" });
  await isGone(desk, keeper);
  const resumed = desk.agent("one");
  const late = await resumed.run(["done", "--json"]);
  expect(late).toMatchObject({ exitCode: 6, stdout: "" });
  const [notice, error] = late.stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(notice.notice).toMatchObject({ kind: "lost", slug: "login", why: `its process ${agent.process.pid} ended` });
  expect(error.error.reason).toBe("SESSION_EXPIRED");
});

test.concurrent("a worker without an id is its session of processes, and what it held is free when the leader is killed", async (context) => {
  const { expect } = context;
  const desk = await openDesk("leader", context);
  await desk.ready("login");
  const shell = desk.agent("");
  expect((await shell.run(["pick", "login"])).exitCode).toBe(0);
  expect(desk.sessions()[0]?.keeping?.process?.pid).toBe(shell.process.pid);
  const keeper = await desk.keeper();

  shell.signal("SIGKILL");

  await expect.poll(async () => (await desk.feature("login")).status).toBe(FeatureStatus.READY);
  await isGone(desk, keeper);
});

test.concurrent("one keeper renews what several agents hold, for longer than a lease, and is gone when they are done", async (context) => {
  const { expect } = context;
  const desk = await openDesk("several", context, SHORT_LEASE_S);
  await desk.ready("login");
  await desk.ready("logout");
  const [one, two] = [desk.agent("one"), desk.agent("two")];
  expect((await one.run(["pick", "login"])).exitCode).toBe(0);
  const keeper = await desk.keeper();
  expect((await two.run(["pick", "logout"])).exitCode).toBe(0);
  const expiries = () =>
    Promise.all(
      desk.sessions().map(async ({ projectId, sessionId }) => {
        const { session } = await ana.sessions.getSession({ projectId, sessionId });
        return Number(session?.expireTime?.seconds);
      }),
    );
  const [soonest = 0, latest = 0] = (await expiries()).sort();

  await expect.poll(async () => Math.min(...(await expiries()))).toBeGreaterThan(latest + Number(SHORT_LEASE_S));

  expect(soonest).toBeGreaterThan(0);
  expect((await desk.keeper()).nonce).toBe(keeper.nonce);
  expect((await one.run(["done"])).exitCode).toBe(0);
  const shown = JSON.parse((await two.run(["session", "show", "--json"])).stdout);
  expect(shown.keeper).toEqual({ pid: keeper.process.pid, running: true, watched: two.process.pid });
  const listed = JSON.parse((await two.run(["session", "list", "--json"])).stdout);
  expect(listed.keepers).toEqual({ [shown.session.id]: shown.keeper });
  expect((await desk.keeper()).nonce).toBe(keeper.nonce);
  expect((await two.run(["done"])).exitCode).toBe(0);
  await isGone(desk, keeper);
});

/** Stops the agent and its keeper, as a machine that sleeps does, until the lease has run out. */
async function sleepPastLease(desk: Desk, agent: FakeAgent) {
  const keeper = await desk.keeper();
  agent.signal("SIGSTOP");
  end(keeper, "SIGSTOP");
  await desk.expect.poll(async () => (await desk.feature("login")).status).toBe(FeatureStatus.READY);
  return () => {
    end(keeper, "SIGCONT");
    agent.signal("SIGCONT");
  };
}

test.concurrent("a feature whose lease ran out in a sleep is taken up again if it is free, and that is told once", async (context) => {
  const { expect } = context;
  const desk = await openDesk("slept", context, SHORT_LEASE_S);
  await desk.ready("login");
  const agent = desk.agent("one");
  expect((await agent.run(["pick", "login"])).exitCode).toBe(0);
  const [before] = desk.sessions();
  const wake = await sleepPastLease(desk, agent);

  wake();

  await expect.poll(() => desk.sessions().find(({ word }) => word?.kind === "taken-up")).toBeDefined();
  const { holder } = await desk.feature("login");
  const after = desk.sessions().find(({ held }) => held !== undefined);
  expect(after?.sessionId).toBe(holder?.sessionId);
  expect(after?.sessionId).not.toBe(before?.sessionId);
  expect(BigInt(after?.held?.fencingToken ?? 0)).toBeGreaterThan(BigInt(before?.held?.fencingToken ?? 0));
  const named = await agent.run(["session", "heartbeat", "--json"], { NEXUS_SESSION: before?.sessionId ?? "" });
  expect(named.exitCode).toBe(0);
  expect(JSON.parse(named.stdout).session.id).toBe(after?.sessionId);
  expect(JSON.parse(named.stderr).notice).toMatchObject({ kind: "taken-up", slug: "login" });
  expect(await agent.run(["done"])).toMatchObject({ exitCode: 0, stderr: "" });
});

test.concurrent("a feature that somebody took in the sleep is lost, and the next command says to whom", async (context) => {
  const { expect } = context;
  const desk = await openDesk("outslept", context, SHORT_LEASE_S);
  await desk.ready("login");
  const agent = desk.agent("one");
  expect((await agent.run(["pick", "login"])).exitCode).toBe(0);
  const wake = await sleepPastLease(desk, agent);
  const { projectId } = desk;
  const { session } = await ana.sessions.openSession({ projectId, agent: "codex" });
  const pick = { projectId, slug: "login", sessionId: session?.id ?? "" };
  await expect.poll(() => ana.features.pickFeature(pick).then(() => "picked", String)).toBe("picked");
  const renewing = setInterval(() => void ana.sessions.heartbeatSession(pick).catch(() => {}), 500);
  context.onTestFinished(() => clearInterval(renewing));

  wake();

  await expect.poll(() => desk.sessions().find(({ word }) => word?.kind === "lost")).toBeDefined();
  const late = await agent.run(["done"]);
  expect(late).toMatchObject({ exitCode: 6, stdout: "" });
  expect(late.stderr).toMatch(/^nexus: login was lost .* because ana \(codex\) works on it now; stop working on it\n/);
  expect((await desk.feature("login")).holder?.sessionId).toBe(pick.sessionId);
  expect((await ana.sessions.listActiveSessions({ projectId })).sessions.map(({ id }) => id)).toEqual([pick.sessionId]);
});

test.concurrent("a feature that was taken over by another session of the engineer is let go, and that is told", async (context) => {
  const { expect } = context;
  const desk = await openDesk("taken-over", context, SHORT_LEASE_S);
  const { projectId } = desk;
  await desk.ready("login");
  const agent = desk.agent("one");
  expect((await agent.run(["pick", "login"])).exitCode).toBe(0);
  const keeper = await desk.keeper();
  const takeOver = BigInt(desk.sessions()[0]?.held?.fencingToken ?? 0);
  const { session } = await ana.sessions.openSession({ projectId });
  await ana.features.pickFeature({ projectId, slug: "login", sessionId: session?.id ?? "", takeOver });

  await isGone(desk, keeper);

  const late = await agent.run(["done"]);
  expect(late).toMatchObject({ exitCode: 6, stdout: "" });
  expect(late.stderr).toContain("because it was taken over, or taken away, at the server");
});

test.concurrent("a keeper that was killed, asked to end, or is of an older version, is replaced by the next command", async (context) => {
  const { expect } = context;
  const desk = await openDesk("replaced", context);
  await desk.ready("login");
  const agent = desk.agent("one");
  expect((await agent.run(["pick", "login"])).exitCode).toBe(0);
  const first = await desk.keeper();
  end(first, "SIGKILL");
  await expect.poll(() => runs(first)).toBe(false);
  const shown = await agent.run(["session", "show"]);
  expect(shown.stdout).toMatch(/kept +by nobody: its keeper has ended/);

  expect((await agent.run(["session", "heartbeat"])).exitCode).toBe(0);

  await expect.poll(() => desk.records.list()[0]?.nonce).not.toBe(first.nonce);
  const second = await desk.keeper();
  expect(runs(second)).toBe(true);
  const path = join(desk.folder, "state", "nexus", "keepers", `${second.id}.json`);
  writeFileSync(path, JSON.stringify({ ...second, version: "0.0.9" }));
  expect((await agent.run(["session", "heartbeat"])).exitCode).toBe(0);
  await expect.poll(() => desk.records.list()[0]?.nonce).not.toBe(second.nonce);
  await expect.poll(() => runs(second)).toBe(false);
  const third = await desk.keeper();
  expect(runs(third)).toBe(true);
  end(third, "SIGTERM");
  await isGone(desk, third);
  expect((await agent.run(["session", "heartbeat"])).exitCode).toBe(0);
  const fourth = await desk.keeper();
  expect((await agent.run(["done"])).exitCode).toBe(0);
  await isGone(desk, fourth);
});

test("a pick whose answer got lost is found by the keeper", async (context) => {
  const { expect } = context;
  const desk = await openDesk("unanswered", context);
  await desk.ready("login");
  const agent = desk.agent("one");
  await server.arm("pick.before-answer", 2_000);
  const refused = await agent.run(["pick", "login"], { NEXUS_TIMEOUT_MS: "1000" });
  expect(refused.exitCode).toBe(4);
  const [picking] = desk.sessions();
  expect(picking).toMatchObject({ picking: true, held: undefined });

  desk.age(picking as StoredSession, 60_000);

  await expect.poll(() => desk.sessions()[0]?.held?.slug).toBe("login");
  expect(desk.sessions()[0]?.word).toEqual({ kind: "adopted", slug: "login" });
  expect(await agent.run(["done"])).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("had been granted") });
});

test.concurrent("a session whose process can't be seen is let go when no command has acted for it for half an hour", async (context) => {
  const { expect } = context;
  const desk = await openDesk("unseen", context, SHORT_LEASE_S);
  await desk.ready("login");
  const agent = desk.agent("one");
  expect((await agent.run(["pick", "login"])).exitCode).toBe(0);
  const keeper = await desk.keeper();

  desk.age(desk.sessions()[0] as StoredSession, UNSEEN_MS, { process: undefined });

  await isGone(desk, keeper);
  expect((await desk.feature("login")).status).toBe(FeatureStatus.ACTIVE);
  expect((await agent.run(["done"])).exitCode).toBe(0);
});
