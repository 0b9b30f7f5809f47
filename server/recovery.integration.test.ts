import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { describe, expect, test } from "vitest";
import { PROVISIONAL_DEADLINE_MS } from "./domain/claims/claim-store.ts";
import { StoreUnavailableError } from "./domain/errors.ts";
import { endFeature } from "./domain/features/end-feature.ts";
import type { ClaimId, EngineerId, ProjectId, SessionId, Slug } from "./domain/ids.ts";
import type { ClaimAccess } from "./domain/recovery/claim-access.ts";
import { reconcile } from "./domain/recovery/reconcile.ts";
import { commitGranted, grantPick } from "./testing/half-pick.ts";
import { startNexus, type TestNexus } from "./testing/start-nexus.ts";
import { openWorkplace, refusalOf, type Workplace } from "./testing/workplace.ts";

/** What a server does of a pick before it dies: P1, and P2 where asked for. */
async function halfPick(
  nexus: TestNexus,
  work: Workplace,
  slug: string,
  session: string,
  upTo: "granted" | "committed",
): Promise<ClaimId> {
  const granted = await grantPick(nexus, work, slug, session);
  if (upTo === "committed") await commitGranted(nexus, work, granted);
  return granted.claimId;
}

describe.each(["redis", "embedded"] as const)("with %s claims", (kind) => {
  test("a claim that was granted but never committed blocks others until its deadline, then frees itself", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    await work.ready("other", ["src/a.ts"]);
    const [one, two] = [await work.session(), await work.session()];
    await halfPick(nexus, work, "login", one, "granted");

    expect((await refusalOf(work.pick("other", two))).reason).toBe("CLAIM_CONFLICT");
    await nexus.advance(PROVISIONAL_DEADLINE_MS + 1);
    expect((await work.pick("other", two)).feature?.status).toBe(FeatureStatus.ACTIVE);
    expect((await work.feature("login")).status).toBe(FeatureStatus.READY);
  });

  test("the reconciler frees what was granted but never committed, and bars it from being committed", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    const claimId = await halfPick(nexus, work, "login", await work.session(), "granted");
    await nexus.advance(PROVISIONAL_DEADLINE_MS + 1);

    await nexus.server.reconcile();

    const { paths } = await work.ana.claims.checkPaths({ projectId: work.projectId, paths: ["src"] });
    expect(paths[0]?.holder).toBeUndefined();
    const { claims } = nexus.server.deps.database.read;
    expect(await claims.voidUnlessCommitted(work.projectId as ProjectId, claimId)).toBe("void");
  });

  test("the same session may pick at once what its dead server had half picked", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    const me = await work.session();
    await halfPick(nexus, work, "login", me, "granted");

    const { claim, feature } = await work.pick("login", me);

    expect(feature?.status).toBe(FeatureStatus.ACTIVE);
    await work.done("login", me, claim?.fencingToken ?? 0n);
  });

  test("a pick that was committed but never answered is answered to the retry, and confirmed by the reconciler", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    const me = await work.session();
    const claimId = await halfPick(nexus, work, "login", me, "committed");
    await nexus.advance(PROVISIONAL_DEADLINE_MS + 1);

    await nexus.server.reconcile();

    expect((await work.pick("login", me)).claim?.id).toBe(claimId);
  });

  test("paths of completed work that its server could not free are freed by the reconciler", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    await work.ready("other", ["src/a.ts"]);
    const [one, two] = [await work.session(), await work.session()];
    const fencingToken = await work.hold("login", one);
    const { deps } = nexus.server;
    const away: ClaimAccess["run"] = () => Promise.reject(new StoreUnavailableError("claims"));
    const claims: ClaimAccess = Object.assign(Object.create(deps.claims), { run: away });
    const caller = {
      engineerId: work.ana.id as EngineerId,
      engineerName: "ana",
      keyId: "",
      scope: "full",
      request: undefined,
    } as const;
    const hold = { projectId: work.projectId as ProjectId, slug: "login" as Slug, sessionId: one as SessionId };

    await endFeature({ ...deps, claims }, caller, { ...hold, fencingToken }, "done");
    expect((await work.feature("login")).status).toBe(FeatureStatus.DONE);
    expect((await refusalOf(work.pick("other", two))).reason).toBe("CLAIM_CONFLICT");
    await nexus.advance(1_001);
    await nexus.server.reconcile();

    expect((await work.pick("other", two)).feature?.status).toBe(FeatureStatus.ACTIVE);
  });

  test("claims that the store has lost are rebuilt with their tokens, and go on blocking", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    await work.ready("other", ["src/a.ts"]);
    const [one, two] = [await work.session(), await work.session()];
    const token = await work.hold("login", one);

    await nexus.claimStore.deleteProject(work.projectId as ProjectId);

    expect((await refusalOf(work.pick("other", two))).reason).toBe("CLAIM_CONFLICT");
    await work.done("login", one, token);
    expect(await work.hold("other", two)).toBeGreaterThan(token);
  });

  test("a session that is closed frees what it holds at once, cleanly or as crashed", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    const { projectId, ana } = work;
    for (const crashed of [false, true]) {
      const sessionId = await work.session();
      await work.hold("login", sessionId);

      await ana.sessions.closeSession({ projectId, sessionId, crashed });
      await ana.sessions.closeSession({ projectId, sessionId, crashed });

      const feature = await work.feature("login");
      expect(feature.status).toBe(FeatureStatus.READY);
      expect(feature.interruption !== undefined).toBe(crashed);
      expect((await refusalOf(work.pick("login", sessionId))).reason).toBe("SESSION_EXPIRED");
    }
  });

  test("the same client_session_id opens the same session while it lives, and another one afterwards", async () => {
    const nexus = await startNexus(kind);
    const { ana, projectId } = await openWorkplace(nexus);
    const open = async () => (await ana.sessions.openSession({ projectId, clientSessionId: "a1" })).session?.id;

    const [first, same] = [await open(), await open()];
    const together = await Promise.all([open(), open(), open()]);
    await nexus.advance(300_001);
    const next = await open();

    expect(same).toBe(first);
    expect(new Set(together)).toEqual(new Set([first]));
    expect(next).not.toBe(first);
  });
});

test("a step that always fails keeps no other from being done, and is told", async () => {
  const nexus = await startNexus("embedded");
  const work = await openWorkplace(nexus);
  await work.ready("login", ["src", "docs"]);
  const sessionId = await work.session();
  const fencingToken = await work.hold("login", sessionId);
  const { deps } = nexus.server;
  const { projectId } = work;
  const { run } = deps.claims;
  deps.claims.run = () => Promise.reject(new StoreUnavailableError("claims"));
  await work.ana.claims
    .releasePaths({ projectId, slug: "login", sessionId, fencingToken, paths: ["docs"] })
    .catch(() => {});
  deps.claims.run = run;
  const failing = { listEnding: () => Promise.reject(new Error("broken")) };
  const read = {
    ...deps.database.read,
    claims: Object.assign(Object.create(deps.database.read.claims), failing),
    sessions: Object.assign(Object.create(deps.database.read.sessions), failing),
  };
  const failures: unknown[] = [];

  await reconcile({ ...deps, database: Object.assign(Object.create(deps.database), { read }) }, (_, error) =>
    failures.push(error),
  );

  const { paths } = await work.ana.claims.checkPaths({ projectId, paths: ["docs", "src"] });
  expect(paths.map((path) => path.holder !== undefined)).toEqual([false, true]);
  expect(failures).toEqual([new Error("broken")]);
});

test("the status shows counts, live sessions with what they hold, and interrupted work", async () => {
  const nexus = await startNexus("embedded");
  const work = await openWorkplace(nexus);
  await work.ready("login", ["src"]);
  await work.ready("broken", ["docs"]);
  const [one, two] = [await work.session(), await work.session()];
  await work.hold("login", one);
  await work.hold("broken", two);
  await work.ana.sessions.closeSession({ projectId: work.projectId, sessionId: two, crashed: true });

  const status = await work.ana.projects.getProjectStatus({ projectId: work.projectId });

  expect(status.statuses.filter((s) => s.count > 0).map((s) => [s.status, s.count])).toEqual([
    [FeatureStatus.READY, 1],
    [FeatureStatus.ACTIVE, 1],
  ]);
  expect(status.sessions.map((s) => [s.session?.id, s.claims.flatMap((c) => c.touches.map((t) => t.path))])).toEqual([
    [one, ["src"]],
  ]);
  expect(status.interrupted.map((f) => f.slug)).toEqual(["broken"]);
});

test("a rebuild that somebody else has just made is not made again", async () => {
  const nexus = await startNexus("redis");
  const { projectId: id, session } = await openWorkplace(nexus);
  const projectId = id as ProjectId;
  await session();
  const { claims, database } = nexus.server.deps;
  const before = await database.read.projects.getById(projectId);

  await claims.rebuild(projectId, before?.epoch ?? 0, "when-lost");

  expect((await database.read.projects.getById(projectId))?.epoch).toBe(before?.epoch);
});
