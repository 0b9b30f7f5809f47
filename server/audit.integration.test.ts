import { randomUUID } from "node:crypto";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { describe, expect, test } from "vitest";
import { compileTouches } from "./domain/claims/compile-touches.ts";
import type { ClaimId, FeatureId, ProjectId, SessionId } from "./domain/ids.ts";
import { startNexus, type TestNexus } from "./testing/start-nexus.ts";
import { openWorkplace, type Workplace } from "./testing/workplace.ts";

/** What the server's metrics count, by kind of deviation; what there is none of is left out. */
async function deviations(nexus: TestNexus): Promise<Record<string, number>> {
  const metrics = await (await fetch(`${nexus.url}/metrics`)).text();
  const counts = metrics.matchAll(/^nexus_deviation_age_seconds_count\{kind="([^"]+)"\} ([1-9]\d*)$/gm);
  return Object.fromEntries([...counts].map(([, kind = "", count]) => [kind, Number(count)]));
}

async function scopeOf(nexus: TestNexus, { projectId }: Workplace) {
  const project = await nexus.server.deps.database.read.projects.getById(projectId as ProjectId);
  return { projectId: projectId as ProjectId, epoch: project?.epoch ?? 0 };
}

describe.each(["redis", "embedded"] as const)("with %s claims", (kind) => {
  test("an audit of stores that agree finds nothing, also beside work that has just ended", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    for (const slug of ["held", "done", "forced"]) await work.ready(slug, [slug]);
    const sessions = [await work.session(), await work.session(), await work.session()] as const;
    await work.hold("held", sessions[0]);
    await work.done("done", sessions[1], await work.hold("done", sessions[1]));
    await work.hold("forced", sessions[2]);
    await work.ana.claims.forceReleaseClaim({ projectId: work.projectId, slug: "forced", reason: "test" });

    await nexus.server.audit();

    expect(await deviations(nexus)).toEqual({});
    expect((await work.feature("held")).status).toBe(FeatureStatus.ACTIVE);
  });

  test("a claim that Postgres knows nothing of is freed, and barred from being committed", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    const session = (await work.session()) as SessionId;
    const scope = await scopeOf(nexus, work);
    const [claimId, featureId] = [randomUUID() as ClaimId, randomUUID() as FeatureId];
    const touches = compileTouches([{ path: "src", mode: "exclusive" }], false);
    await nexus.claimStore.acquire(scope, { claimId, featureId, sessionId: session, ttlMs: 60_000, touches });
    await nexus.claimStore.confirm(scope, claimId);

    await nexus.server.audit();

    expect(await nexus.claimStore.list(scope)).toEqual({ kind: "listed", claims: [] });
    expect(await deviations(nexus)).toEqual({ "claim-without-record": 1 });
    const { claims } = nexus.server.deps.database.read;
    expect((await claims.voidUnlessCommitted(scope.projectId, claimId)) as string).toBe("void");
  });

  test("an active feature that has lost its claim gets it back by a recovery", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    const me = await work.session();
    const token = await work.hold("login", me);
    const before = await scopeOf(nexus, work);
    const [held] = await nexus.server.deps.database.read.claims.listHeld(before.projectId);
    await nexus.claimStore.release(before, held === undefined ? [] : [held.id]);

    await nexus.server.audit();

    expect(await deviations(nexus)).toEqual({ "record-without-claim": 1 });
    const after = await scopeOf(nexus, work);
    expect(after.epoch).toBe(before.epoch + 1);
    const listed = await nexus.claimStore.list(after);
    expect(listed).toMatchObject({ claims: [{ fencingToken: token, state: "held" }] });
    await work.done("login", me, token);
  });

  test("an open session without a lease, which nobody else would ever end, is expired", async () => {
    const nexus = await startNexus(kind);
    const work = await openWorkplace(nexus);
    const me = await work.session();
    await nexus.claimStore.endSession(await scopeOf(nexus, work), me as SessionId, 0);

    await nexus.server.audit();

    expect(await deviations(nexus)).toEqual({ "session-without-lease": 1 });
    const { session } = await work.ana.sessions.getSession({ projectId: work.projectId, sessionId: me });
    expect(session?.state).toBe(SessionState.EXPIRED);
  });
});
