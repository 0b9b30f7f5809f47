import { randomUUID } from "node:crypto";
import { FeatureStatus, InterruptionCause } from "@nexus/gen/nexus/v1/feature_pb";
import { SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { describe, expect, test } from "vitest";
import type { Database, Transaction } from "./domain/database.ts";
import { ClaimsRecoveringError } from "./domain/errors.ts";
import type { ProjectId, SessionId } from "./domain/ids.ts";
import { expireSession } from "./domain/recovery/expire-session.ts";
import { settleClaim } from "./domain/recovery/settle-claim.ts";
import { startNexus, type TestNexus } from "./testing/start-nexus.ts";
import { openWorkplace, refusalOf, type Workplace } from "./testing/workplace.ts";

const TTL_MS = 5 * 60_000;
const LOCK_DELAY_MS = 15_000;

/** The claim store forgets everything of the project, as after FLUSHALL or a restart without data. */
function lose(nexus: TestNexus, { projectId }: Workplace): Promise<void> {
  return nexus.claimStore.deleteProject(projectId as ProjectId);
}

describe.each(["redis", "embedded"] as const)("with %s claims", (kind) => {
  test("after a loss sessions keep what they held, under their tokens and with a fresh lease", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    await work.ready("other", ["src/a.ts"]);
    const me = await work.session();
    const token = await work.hold("login", me);
    await nexus.advance(TTL_MS - 1);

    await lose(nexus, work);

    expect((await refusalOf(work.pick("other", await work.session()))).reason).toBe("CLAIM_CONFLICT");
    await nexus.advance(TTL_MS - 1);
    const { claims } = await work.ana.sessions.heartbeatSession({ projectId: work.projectId, sessionId: me });
    expect(claims.map((claim) => claim.fencingToken)).toEqual([token]);
    expect((await work.done("login", me, token)).feature?.status).toBe(FeatureStatus.DONE);
  });

  test("what drained when the store was lost drains on, and holds up nobody else", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    await work.ready("same", ["src/a.ts"]);
    await work.ready("other", ["docs"]);
    await work.hold("login", await work.session());
    const { ana, projectId } = work;
    await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "test" });

    await lose(nexus, work);

    const [one, two] = [await work.session(), await work.session()];
    expect((await refusalOf(work.pick("same", one))).reason).toBe("CLAIM_CONFLICT");
    expect((await work.pick("other", two)).feature?.status).toBe(FeatureStatus.ACTIVE);
    await nexus.advance(LOCK_DELAY_MS);
    expect((await work.pick("same", one)).feature?.status).toBe(FeatureStatus.ACTIVE);
  });

  test("of two claims that overlap in Postgres, which only a bug can do, the one with the lower token is interrupted", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    await work.ready("other", ["docs"]);
    const [one, two] = [await work.session(), await work.session()];
    await work.hold("login", one);
    const token = await work.hold("other", two);
    const { claims, features } = nexus.server.deps.database.read;
    const projectId = work.projectId as ProjectId;
    const held = await claims.listHeld(projectId);
    const higher = held.find((claim) => claim.fencingToken === token);
    if (higher === undefined) throw new Error("nothing is held");
    await claims.shrink(higher.id, [{ path: "src/a.ts", mode: "exclusive" }]);

    await lose(nexus, work);
    await nexus.server.reconcile();

    expect(await work.feature("other")).toMatchObject({ status: FeatureStatus.ACTIVE, holder: { sessionId: two } });
    expect(await work.feature("login")).toMatchObject({
      status: FeatureStatus.READY,
      interruption: { sessionId: one, cause: InterruptionCause.CLAIM_LOST },
    });
    expect(await features.activeOfSession(one as never)).toBeUndefined();
    expect((await claims.listHeld(projectId)).map((claim) => claim.fencingToken)).toEqual([token]);
    // Its session goes on, and may do something else.
    await work.ready("third", ["elsewhere"]);
    await work.hold("third", one);
  });

  test("nobody expires by a clock that jumped, or while no server was there", async () => {
    const nexus = await startNexus(kind, { maxTickGapMs: 15_000 });
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    const me = await work.session();
    const token = await work.hold("login", me);

    await nexus.advance(24 * 3_600_000);
    await nexus.server.reconcile();
    await nexus.server.reconcile();

    expect((await work.feature("login")).holder?.sessionId).toBe(me);
    const { claims } = await work.ana.sessions.heartbeatSession({ projectId: work.projectId, sessionId: me });
    expect(claims.map((claim) => claim.fencingToken)).toEqual([token]);
    // From then on time passes again.
    for (let passed = 0; passed <= TTL_MS; passed += 10_000) {
      await nexus.advance(10_000);
      await nexus.server.reconcile();
    }
    expect((await work.feature("login")).interruption?.cause).toBe(InterruptionCause.SESSION_EXPIRED);
  });

  test("a pick that was answered survives the loss, and its repetition answers the same token", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    const [me, requestId] = [await work.session(), randomUUID()];
    const { claim } = await work.pick("login", me, requestId);

    await lose(nexus, work);

    expect((await work.pick("login", me, requestId)).claim?.fencingToken).toBe(claim?.fencingToken);
  });
});

test("a claim that drains is not freed by a reconciler that was slow to settle it", async () => {
  const nexus = await startNexus("embedded");
  const work = await openWorkplace(nexus);
  await work.ready("login", ["src"]);
  await work.ready("other", ["src/a.ts"]);
  await work.hold("login", await work.session());
  const { deps } = nexus.server;
  const projectId = work.projectId as ProjectId;
  const [held] = await deps.database.read.claims.listHeld(projectId);
  const project = await deps.database.read.projects.getById(projectId);
  if (held === undefined || project === undefined) throw new Error("nothing is held");
  await work.ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "test" });

  await settleClaim(deps, project, held.id);

  expect((await refusalOf(work.pick("other", await work.session()))).reason).toBe("CLAIM_CONFLICT");
});

test("a lease that a recovery gave to a session is not ended by who found its lease of before lapsed", async () => {
  const nexus = await startNexus("embedded");
  const work = await openWorkplace(nexus);
  const { deps } = nexus.server;
  const projectId = work.projectId as ProjectId;
  const like = await deps.database.read.sessions.get(projectId, (await work.session()) as SessionId);
  const project = await deps.database.read.projects.getById(projectId);
  if (like === undefined || project === undefined) throw new Error("nothing to begin with");
  const id = randomUUID() as SessionId;
  // Between the two halves of its end the session is recorded, and the claim store is lost and rebuilt.
  const database: Database = Object.assign(Object.create(deps.database), {
    async transact<T>(run: (tx: Transaction) => Promise<T>) {
      const answer = await deps.database.transact(run);
      await deps.database.transact((tx) => tx.sessions.insert({ ...like, id, clientSessionId: "late" }));
      await deps.claims.rebuild(projectId, project.epoch, "always");
      return answer;
    },
  });

  await expect(expireSession({ ...deps, database }, project, id)).rejects.toThrow(ClaimsRecoveringError);

  const beat = await work.ana.sessions.heartbeatSession({ projectId, sessionId: id });
  expect(beat.session?.state).toBe(SessionState.OPEN);
});
