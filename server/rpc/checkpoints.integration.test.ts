import { randomUUID } from "node:crypto";
import { BadRequestSchema, ResourceInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { FencingTokenStaleSchema, SessionExpiredSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { InterruptionCause } from "@nexus/gen/nexus/v1/feature_pb";
import { describe, expect, test } from "vitest";
import { startNexus } from "../testing/start-nexus.ts";
import { openWorkplace, refusalOf } from "../testing/workplace.ts";

const TTL_MS = 5 * 60_000;

async function open(kind: "redis" | "embedded" = "embedded") {
  const nexus = await startNexus(kind);
  const workplace = await openWorkplace(nexus);
  const { ana, projectId } = workplace;
  return {
    ...workplace,
    nexus,
    save: (sessionId: string, context: string, more: object = {}) =>
      ana.sessions.saveCheckpoint({ projectId, sessionId, context, ...more }),
    latest: (of: { sessionId?: string; slug?: string }) => ana.sessions.getLatestCheckpoint({ projectId, ...of }),
  };
}

describe.each(["redis", "embedded"] as const)("with %s claims", (kind) => {
  test("a checkpoint is stamped with feature, token and all that is held, and comes back as it was given", async () => {
    const { ready, session, hold, latest, ana, projectId } = await open(kind);
    await ready("login", ["src/auth.ts"]);
    const me = await session();
    const fencingToken = await hold("login", me);
    const extension = { projectId, slug: "login", sessionId: me, fencingToken, touches: [{ path: "docs" }] };
    await ana.claims.extendClaim(extension);
    const said = {
      context: "half-way:\n\tparser done 🚀, tests missing",
      data: { step: 3, odd: "nul \u0000 and ' and \\", deep: { list: [1.5, null, true, "x"] } },
      branch: "feature/login",
      commit: "4f2a9c1",
      changedPaths: ["src/auth.ts", "odd name \\ [x].ts "],
    };

    const { checkpoint } = await ana.sessions.saveCheckpoint({ projectId, sessionId: me, fencingToken, ...said });

    expect(checkpoint).toMatchObject({ ...said, sessionId: me, featureSlug: "login", fencingToken });
    expect(checkpoint?.heldTouches.map(({ path }) => path)).toEqual(["src/auth.ts", "docs"]);
    expect((await latest({ slug: "login" })).checkpoint).toEqual(checkpoint);
    expect((await latest({ sessionId: me })).checkpoint).toEqual(checkpoint);
  });

  test("an interruption names the latest checkpoint of that work, also after a forced release", async () => {
    const { ready, session, hold, save, feature, ana, projectId, nexus } = await open(kind);
    await ready("login", ["src"]);
    const one = await session();
    await hold("login", one);
    await save(one, "first");
    const { checkpoint: second } = await save(one, "second");
    await nexus.advance(TTL_MS + 1_000);
    await nexus.server.reconcile();

    expect((await feature("login")).interruption).toMatchObject({
      cause: InterruptionCause.SESSION_EXPIRED,
      checkpointId: second?.id,
    });

    await nexus.advance(60_000);
    await nexus.server.reconcile();
    const two = await session();
    await hold("login", two);
    const { checkpoint: third } = await save(two, "third");
    await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "needed elsewhere" });
    expect((await feature("login")).interruption).toMatchObject({
      cause: InterruptionCause.FORCED_RELEASE,
      checkpointId: third?.id,
    });
  });

  test("a session that has expired saves nothing and is told what it lost", async () => {
    const { ready, session, hold, save, latest, nexus } = await open(kind);
    await ready("login", ["src"]);
    const me = await session();
    const fencingToken = await hold("login", me);
    await nexus.advance(TTL_MS + 1_000);
    await nexus.server.reconcile();

    const refusal = await refusalOf(save(me, "too late", { fencingToken }));

    expect(refusal).toMatchObject({ code: "FailedPrecondition", reason: "SESSION_EXPIRED" });
    expect(refusal.detail(SessionExpiredSchema)).toMatchObject({
      lostFeatureSlug: "login",
      lostTouches: [{ path: "src" }],
    });
    expect(refusal.message).toContain("nexus feature pick login");
    expect((await refusalOf(latest({ slug: "login" }))).reason).toBe("RESOURCE_NOT_FOUND");
  });

  test("saving renews the lease", async () => {
    const { session, save, nexus, ana, projectId } = await open(kind);
    const me = await session();
    for (let round = 0; round < 3; round++) {
      await nexus.advance(TTL_MS - 10_000);
      await save(me, `round ${round}`);
    }

    await expect(ana.sessions.heartbeatSession({ projectId, sessionId: me })).resolves.toBeDefined();
  });
});

test("a stale token saves nothing, and the refusal names the feature that it was given for", async () => {
  const { ready, session, hold, save, latest, ana, projectId } = await open();
  await ready("login", ["src"]);
  await ready("docs", ["docs"]);
  const me = await session();
  const fencingToken = await hold("login", me);
  await ana.features.releaseFeature({ projectId, slug: "login", sessionId: me, fencingToken });
  await hold("docs", me);

  const refusal = await refusalOf(save(me, "of another time", { fencingToken }));
  const never = await refusalOf(save(me, "made up", { fencingToken: 2n ** 64n - 1n }));

  expect(refusal).toMatchObject({ code: "Aborted", reason: "FENCING_TOKEN_STALE" });
  expect(refusal.detail(FencingTokenStaleSchema)?.featureSlug).toBe("login");
  expect(never.reason).toBe("FENCING_TOKEN_STALE");
  expect((await refusalOf(latest({ sessionId: me }))).reason).toBe("RESOURCE_NOT_FOUND");
});

test("the same request id saves once; history stays, and the latest is the one that was saved last", async () => {
  const { ready, session, hold, save, latest, nexus } = await open();
  await ready("login", ["src"]);
  const me = await session();
  await hold("login", me);
  const requestId = randomUUID();

  const first = await save(me, "first", { requestId });
  await save(me, "second");
  await nexus.advance(TTL_MS + 1_000);
  await nexus.server.reconcile();
  const again = await save(me, "first", { requestId });

  expect(again.checkpoint?.id).toBe(first.checkpoint?.id);
  expect((await latest({ slug: "login" })).checkpoint?.context).toBe("second");
  expect((await refusalOf(save(me, "another", { requestId }))).reason).toBe("REQUEST_ID_REUSED");
});

test("a session without a feature saves its own checkpoint, which is no feature's", async () => {
  const { ready, session, save, latest } = await open();
  await ready("login", ["src"]);
  const me = await session();

  const { checkpoint } = await save(me, "looking around");

  expect(checkpoint).toMatchObject({ featureSlug: "", fencingToken: 0n, heldTouches: [] });
  expect((await latest({ sessionId: me })).checkpoint?.id).toBe(checkpoint?.id);
  expect((await refusalOf(latest({ slug: "login" }))).detail(ResourceInfoSchema)?.resourceType).toBe("checkpoint");
});

test("every field that is too large is named, and nothing is saved", async () => {
  const { session, save, latest } = await open();
  const me = await session();

  const refusal = await refusalOf(
    save(me, "x".repeat(100_001), {
      data: { text: "ä".repeat(140_000) },
      branch: "b".repeat(256),
      commit: "c".repeat(65),
      changedPaths: Array.from({ length: 1_001 }, () => "a"),
    }),
  );

  expect(refusal).toMatchObject({ code: "InvalidArgument", reason: "REQUEST_INVALID" });
  expect(refusal.detail(BadRequestSchema)?.fieldViolations.map(({ field }) => field)).toEqual([
    "changed_paths",
    "context",
    "data",
    "branch",
    "commit",
  ]);
  expect((await refusalOf(save(me, ""))).reason).toBe("REQUEST_INVALID");
  expect((await refusalOf(latest({ sessionId: me }))).reason).toBe("RESOURCE_NOT_FOUND");
});

test("data that nests very deeply is kept or refused as the caller's mistake, and the server goes on", async () => {
  const { nexus, session, ana, projectId } = await open();
  const me = await session();
  const data = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;

  const answer = await fetch(`${nexus.url}/nexus.v1.SessionService/SaveCheckpoint`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${ana.key}` },
    body: `{"projectId":"${projectId}","sessionId":"${me}","context":"deep","data":${data}}`,
  });

  expect(answer.status).toBeLessThan(500);
  await expect(ana.sessions.getSession({ projectId, sessionId: me })).resolves.toBeDefined();
});

test("only a session's own engineer saves for it; members read, others see nothing", async () => {
  const { ready, session, hold, save, ana, projectId, nexus } = await open();
  await ready("login", ["src"]);
  const me = await session();
  await hold("login", me);
  await save(me, "mine");
  const ben = await nexus.join("ben");

  const stranger = await refusalOf(ben.sessions.getLatestCheckpoint({ projectId, slug: "login" }));
  await ana.projects.addMember({ projectId, email: ben.email });
  const forged = await refusalOf(ben.sessions.saveCheckpoint({ projectId, sessionId: me, context: "not mine" }));
  const read = await ben.sessions.getLatestCheckpoint({ projectId, slug: "login" });

  expect(stranger.detail(ResourceInfoSchema)?.resourceType).toBe("project");
  expect(forged.detail(ResourceInfoSchema)?.resourceType).toBe("session");
  expect(read.checkpoint?.context).toBe("mine");
});
