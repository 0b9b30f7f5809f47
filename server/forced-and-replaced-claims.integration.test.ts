import { randomUUID } from "node:crypto";
import { ClaimMode } from "@nexus/gen/nexus/v1/claim_pb";
import { ClaimConflictSchema, SessionExpiredSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { expect, test } from "vitest";
import type { Caller } from "./domain/caller.ts";
import { StoreUnavailableError } from "./domain/errors.ts";
import { pickFeature } from "./domain/features/pick-feature.ts";
import type { ClaimId, EngineerId, FeatureId, ProjectId, SessionId, Slug } from "./domain/ids.ts";
import type { ClaimAccess } from "./domain/recovery/claim-access.ts";
import { startNexus } from "./testing/start-nexus.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

const TTL_MS = 5 * 60_000;

async function atWork() {
  const nexus = await startNexus("embedded");
  const work = await openWorkplace(nexus);
  await work.ready("login", ["src", "docs/login.md"]);
  const sessionId = await work.session();
  const fencingToken = await work.hold("login", sessionId);
  const held = { projectId: work.projectId, slug: "login", sessionId, fencingToken };
  return { nexus, ...work, held, sessionId, fencingToken };
}

test("once a take-over has answered, the token that it took over from is dead", async () => {
  const { nexus, ana, session, projectId, fencingToken, pick } = await atWork();
  const next = await session();
  const { deps } = nexus.server;
  let runs = 0;
  // P1 goes through, the server dies before P3.
  const dying: ClaimAccess["run"] = (project, call) =>
    ++runs > 1 ? Promise.reject(new StoreUnavailableError("claims")) : deps.claims.run(project, call);
  const claims: ClaimAccess = Object.assign(Object.create(deps.claims), { run: dying });
  const caller: Caller = {
    engineerId: ana.id as EngineerId,
    engineerName: "ana",
    keyId: "",
    scope: "full",
    request: undefined,
  };
  await pickFeature({ ...deps, claims }, caller, {
    projectId: projectId as ProjectId,
    slug: "login" as Slug,
    sessionId: next as SessionId,
    takeOver: fencingToken,
  }).catch(() => {});

  const { claim } = await pick("login", next);
  expect(claim?.fencingToken).toBeGreaterThan(fencingToken);

  const old = await ana.claims.verifyPaths({ projectId, fencingToken, paths: ["src/a.ts"] });
  expect(old.live).toBe(false);
});

test("after such a take-over the new holder extends over what the feature holds", async () => {
  const { nexus, ana, session, projectId, fencingToken, pick } = await atWork();
  const next = await session();
  const { deps } = nexus.server;
  let runs = 0;
  const dying: ClaimAccess["run"] = (project, call) =>
    ++runs > 1 ? Promise.reject(new StoreUnavailableError("claims")) : deps.claims.run(project, call);
  const claims: ClaimAccess = Object.assign(Object.create(deps.claims), { run: dying });
  const caller: Caller = {
    engineerId: ana.id as EngineerId,
    engineerName: "ana",
    keyId: "",
    scope: "full",
    request: undefined,
  };
  await pickFeature({ ...deps, claims }, caller, {
    projectId: projectId as ProjectId,
    slug: "login" as Slug,
    sessionId: next as SessionId,
    takeOver: fencingToken,
  }).catch(() => {});
  const { claim } = await pick("login", next);
  await ana.claims.extendClaim({
    projectId,
    slug: "login",
    sessionId: next,
    fencingToken: claim?.fencingToken ?? 0n,
    touches: [{ path: "src/a.ts" }],
  });
});

test("the lock-delay of a forced release outlasts the expiry of the session", async () => {
  const { nexus, ana, projectId, ready, session, pick } = await atWork();
  await ready("other", ["src/a.ts"]);
  await nexus.advance(TTL_MS - 1_000);
  const two = await session();
  await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "gone" });
  await nexus.advance(2_000);
  await nexus.server.reconcile();
  expect((await refusalOf(pick("other", two))).reason).toBe("CLAIM_CONFLICT");
});

test("the lock-delay of a forced release outlasts a rebuild", async () => {
  const { nexus, ana, projectId, ready, session, pick } = await atWork();
  await ready("other", ["src/a.ts"]);
  const two = await session();
  await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "gone" });
  await nexus.claimStore.deleteProject(projectId as ProjectId);
  expect((await refusalOf(pick("other", two))).reason).not.toBe("");
});

test("a late holder is told of all that it lost", async () => {
  const { nexus, ana, projectId, held, sessionId } = await atWork();
  await ana.claims.extendClaim({ ...held, touches: [{ path: "lib" }] });
  await nexus.advance(TTL_MS + 1);
  await nexus.server.reconcile();
  const refusal = await refusalOf(ana.sessions.heartbeatSession({ projectId, sessionId }));
  const lost = refusal.detail(SessionExpiredSchema);
  expect(JSON.stringify(lost?.lostTouches.map((t) => t.path).sort())).toBe('["docs/login.md","lib","src"]');
});

test("alternatives of a feature are bounded over its extensions", async () => {
  const { ana, held } = await atWork();
  const many = (dir: string) =>
    Array.from({ length: 15 }, (_, i) => ({
      path: `${dir}/${i}/{${Array.from({ length: 64 }, (_, j) => j).join(",")}}`,
    }));
  await ana.claims.extendClaim({ ...held, touches: many("a") });
  expect((await refusalOf(ana.claims.extendClaim({ ...held, touches: many("b") }))).reason).toBe("LIMIT_EXCEEDED");
});

test("the claims of one feature are bounded", async () => {
  const { ana, held, projectId } = await atWork();
  let refused = false;
  for (let i = 0; i < 600 && !refused; i++) {
    await ana.claims.extendClaim({ ...held, touches: [{ path: "lib" }] }).catch(() => {
      refused = true;
    });
  }
  expect((await ana.claims.listClaims({ projectId, pageSize: 500 })).claims.length).toBeLessThan(500);
}, 60_000);

test("an extension makes no exclusive touch shared", async () => {
  const { ana, held, session, pick, projectId, fencingToken } = await atWork();
  await ana.claims.extendClaim({ ...held, touches: [{ path: "src", mode: ClaimMode.SHARED }] });
  await ana.features.createFeature({
    projectId,
    slug: "s",
    title: "s",
    touches: [{ path: "src", mode: ClaimMode.SHARED }],
  });
  await ana.features.markFeatureReady({ projectId, slug: "s" });
  expect((await refusalOf(pick("s", await session()))).reason).toBe("CLAIM_CONFLICT");
  const next = await session();
  await ana.features.pickFeature({ projectId, slug: "login", sessionId: next, takeOver: fencingToken });
  expect((await refusalOf(pick("s", await session()))).reason).toBe("CLAIM_CONFLICT");
});

test("a forced release repeated under its request id answers the same", async () => {
  const { ana, projectId } = await atWork();
  const request = { projectId, slug: "login", reason: "gone", requestId: randomUUID() };
  const first = await ana.claims.forceReleaseClaim(request);
  const second = await ana.claims.forceReleaseClaim(request);
  expect(second.formerHolder?.sessionId).toBe(first.formerHolder?.sessionId);
});

test("what is listed as available can be picked, while a forced release drains too", async () => {
  const nexus = await startNexus("embedded");
  const { ana, projectId, ready, session, pick, hold } = await openWorkplace(nexus);
  await ready("plan", []);
  await hold("plan", await session());
  await ana.claims.forceReleaseClaim({ projectId, slug: "plan", reason: "gone" });
  const two = await session();
  const { features } = await ana.features.listAvailableFeatures({ projectId });
  for (const { slug } of features) await pick(slug, two);
});

test("a refusal names what stands in the way, a deleted feature's claim too", async () => {
  const { ana, projectId, ready, session, pick } = await atWork();
  await ready("other", ["src/a.ts"]);
  await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "gone" });
  await ana.features.unreadyFeature({ projectId, slug: "login" });
  await ana.features.deleteFeature({ projectId, slug: "login" });
  const refusal = await refusalOf(pick("other", await session()));
  expect(refusal.reason).toBe("CLAIM_CONFLICT");
  expect(refusal.detail(ClaimConflictSchema)?.blocked.length).toBeGreaterThan(0);
});

test("a refused extension suggests nothing that a pick refuses", async () => {
  const { ana, held, ready, session, pick, sessionId } = await atWork();
  await ready("other", ["lib"]);
  await ready("free", ["free"]);
  await pick("other", await session());
  const refusal = await refusalOf(ana.claims.extendClaim({ ...held, touches: [{ path: "lib" }] }));
  for (const s of refusal.detail(ClaimConflictSchema)?.suggestions ?? []) await pick(s.slug, sessionId);
});

test("an owner who cancels somebody's work leaves the paths draining", async () => {
  const { ana, projectId, ready, session, pick } = await atWork();
  await ready("other", ["src/a.ts"]);
  await ana.features.cancelFeature({ projectId, slug: "login" });
  expect((await refusalOf(pick("other", await session()))).reason).toBe("CLAIM_CONFLICT");
});

test("the claims of a project whose only work drains are cleared away", async () => {
  const { nexus, ana, projectId, sessionId } = await atWork();
  await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "gone" });
  await ana.sessions.closeSession({ projectId, sessionId });
  await nexus.advance(4 * 3_600_000);
  await nexus.server.reconcile();
  expect(await nexus.server.deps.database.read.claims.listDraining(projectId as ProjectId, 9)).toEqual([]);
});

test("a heartbeat tells a session that lives on which of the claims it believes in it has lost, and when", async () => {
  const { nexus, ana, session, projectId, sessionId, fencingToken, ready, hold } = await atWork();
  const beat = (...fencingTokens: bigint[]) => ana.sessions.heartbeatSession({ projectId, sessionId, fencingTokens });
  expect((await beat(fencingToken)).lost).toEqual([]);
  await nexus.advance(1_000);
  await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "test" });
  const paths = [{ path: "src" }, { path: "docs/login.md" }];

  expect((await beat(fencingToken)).lost).toMatchObject([
    { featureSlug: "login", fencingToken, touches: paths, endTime: { seconds: 1_767_225_601n } },
  ]);

  await ready("other", ["elsewhere"]);
  const token = await hold("other", sessionId);
  await ana.features.pickFeature({ projectId, slug: "other", sessionId: await session(), takeOver: token });
  const { lost, claims } = await beat(fencingToken, token, 77n);
  expect(lost.map((claim) => [claim.featureSlug, claim.fencingToken])).toEqual([
    ["login", fencingToken],
    ["other", token],
  ]);
  expect(claims.filter((claim) => claim.featureSlug === "other")).toEqual([]);
});

test("a heartbeat names each claim by its own feature, and what drains as lost", async () => {
  const { nexus, ana, projectId, ready, hold, sessionId, fencingToken } = await atWork();
  await ready("search", ["lib"]);
  await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "urgent" });
  const token = await hold("search", sessionId);
  const heartbeat = () => ana.sessions.heartbeatSession({ projectId, sessionId, fencingTokens: [fencingToken, token] });

  const forced = await heartbeat();
  expect(forced.claims.map((claim) => [claim.featureSlug, claim.fencingToken])).toEqual([["search", token]]);
  expect(forced.lost.map((claim) => [claim.featureSlug, claim.fencingToken])).toEqual([["login", fencingToken]]);

  // Its end is committed, and the claim store has not heard of it yet.
  const { claims } = nexus.server.deps;
  const run = claims.run.bind(claims);
  claims.run = () => Promise.reject(new StoreUnavailableError("claims"));
  await ana.features.completeFeature({ projectId, slug: "search", sessionId, fencingToken: token });
  claims.run = run;
  await ready("third", ["doc"]);
  const third = await hold("third", sessionId);
  const { claims: after } = await ana.sessions.heartbeatSession({ projectId, sessionId, fencingTokens: [third] });
  expect(after.find((claim) => claim.fencingToken === third)?.featureSlug).toBe("third");
  expect(after.filter((claim) => claim.featureSlug === "third")).toHaveLength(1);
});

test("the claims of a feature are told in the order of their tokens, also when they are of the same moment", async () => {
  const { nexus, projectId } = await atWork();
  const featureId = randomUUID() as FeatureId;
  await nexus.server.deps.database.transact(async (tx) => {
    for (const fencingToken of [30n, 10n, 20n]) {
      const [id, acquireTime] = [randomUUID() as ClaimId, new Date(0)];
      const claim = { id, featureId, sessionId: randomUUID() as SessionId, fencingToken, touches: [], replaces: [] };
      await tx.claims.insertHeld(projectId as ProjectId, { ...claim, acquireTime });
    }
  });

  const held = await nexus.server.deps.database.read.claims.listHeldOfFeature(featureId);

  expect(held.map((claim) => claim.fencingToken)).toEqual([10n, 20n, 30n]);
});
