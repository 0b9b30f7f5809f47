import { randomUUID } from "node:crypto";
import { BadRequestSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { ClaimMode, ClaimState } from "@nexus/gen/nexus/v1/claim_pb";
import { VerifyPathsResponse_Verdict as Verdict } from "@nexus/gen/nexus/v1/claim_service_pb";
import { ClaimConflictSchema, FencingTokenStaleSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { FeatureStatus, InterruptionCause } from "@nexus/gen/nexus/v1/feature_pb";
import { describe, expect, test } from "vitest";
import { StoreUnavailableError } from "../domain/errors.ts";
import { releasePaths } from "../domain/features/release-paths.ts";
import type { EngineerId, ProjectId, SessionId, Slug } from "../domain/ids.ts";
import type { ClaimAccess } from "../domain/recovery/claim-access.ts";
import { startNexus, type TestNexus } from "../testing/start-nexus.ts";
import { openWorkplace, refusalOf, type Workplace } from "../testing/workplace.ts";

const LOCK_DELAY_MS = 15_000;

/** Ana holds `login`, which touches src and docs/login.md. */
async function atWork(nexus: TestNexus) {
  const work = await openWorkplace(nexus);
  await work.ready("login", ["src", "docs/login.md"]);
  const sessionId = await work.session();
  const fencingToken = await work.hold("login", sessionId);
  const held = { projectId: work.projectId, slug: "login", sessionId, fencingToken };
  return { ...work, held, sessionId, fencingToken };
}

async function heldPaths({ ana, projectId }: Pick<Workplace, "ana" | "projectId">): Promise<string[]> {
  const { claims } = await ana.claims.listClaims({ projectId });
  return claims.flatMap((claim) => claim.touches.map((touch) => touch.path)).sort();
}

describe.each(["redis", "embedded"] as const)("with %s claims", (kind) => {
  test("claims are listed oldest first, page by page, and a session's own with its renewal", async () => {
    const nexus = await startNexus(kind);
    const work = await atWork(nexus);
    await work.ready("other", ["lib"]);
    const two = await work.session();
    await work.hold("other", two);
    const { projectId, ana } = work;

    const first = await ana.claims.listClaims({ projectId, pageSize: 1 });
    const second = await ana.claims.listClaims({ projectId, pageSize: 1, pageToken: first.nextPageToken });
    const mine = await ana.claims.listMyClaims({ projectId, sessionId: two });
    await nexus.advance(60_000);
    const refreshed = await ana.claims.refreshClaims({ projectId, sessionId: two });

    expect([...first.claims, ...second.claims].map((c) => [c.featureSlug, c.state])).toEqual([
      ["login", ClaimState.HELD],
      ["other", ClaimState.HELD],
    ]);
    expect(second.nextPageToken).toBe("");
    expect(mine.claims.map((c) => c.featureSlug)).toEqual(["other"]);
    expect(refreshed.claims[0]?.expireTime?.seconds).toBe((mine.claims[0]?.expireTime?.seconds ?? 0n) + 60n);
  });

  test("an extension claims more for the same feature, under a token of its own, and ends with it", async () => {
    const { ana, held, done, ready, session, pick, feature, fencingToken, sessionId, projectId } = await atWork(
      await startNexus(kind),
    );
    await ready("other", ["lib/a.ts"]);

    const { claim } = await ana.claims.extendClaim({ ...held, touches: [{ path: "lib" }, { path: "src/a.ts" }] });

    expect(claim?.fencingToken).toBeGreaterThan(fencingToken);
    expect(claim?.touches.map((t) => t.path)).toEqual(["lib", "src/a.ts"]);
    expect((await feature("login")).touches.map((t) => t.path)).toEqual(["src", "docs/login.md", "lib", "src/a.ts"]);
    const two = await session();
    expect((await refusalOf(pick("other", two))).reason).toBe("CLAIM_CONFLICT");
    await done("login", sessionId, fencingToken);
    expect(await heldPaths({ ana, projectId })).toEqual([]);
    await pick("other", two);
  });

  test("an extension that somebody's claim overlaps is refused at once and changes nothing", async () => {
    const { ana, held, ready, session, feature, projectId, pick } = await atWork(await startNexus(kind));
    await ready("other", ["lib"]);
    await pick("other", await session());

    const refusal = await refusalOf(ana.claims.extendClaim({ ...held, touches: [{ path: "x" }, { path: "lib/a" }] }));

    expect(refusal.reason).toBe("CLAIM_CONFLICT");
    expect(refusal.detail(ClaimConflictSchema)?.blocked).toMatchObject([
      { touch: { path: "lib/a" }, heldPath: "lib", holder: { featureSlug: "other" } },
    ]);
    expect((await feature("login")).touches).toHaveLength(2);
    expect(await heldPaths({ ana, projectId })).toEqual(["docs/login.md", "lib", "src"]);
  });

  test("an extension under a stale token is refused, and one under a request id happens once", async () => {
    const { ana, held, fencingToken, projectId } = await atWork(await startNexus(kind));
    const stale = await refusalOf(
      ana.claims.extendClaim({ ...held, fencingToken: fencingToken - 1n, touches: [{ path: "lib" }] }),
    );
    expect(stale.reason).toBe("FENCING_TOKEN_STALE");

    const request = { ...held, touches: [{ path: "lib" }], requestId: randomUUID() };
    const [first, second] = [await ana.claims.extendClaim(request), await ana.claims.extendClaim(request)];

    expect(second.claim?.id).toBe(first.claim?.id);
    expect(await heldPaths({ ana, projectId })).toEqual(["docs/login.md", "lib", "src"]);
  });

  test("released paths are free at once, the rest stays held", async () => {
    const { ana, held, ready, session, pick, feature } = await atWork(await startNexus(kind));
    await ana.claims.extendClaim({ ...held, touches: [{ path: "lib" }] });
    await ready("readme", ["docs/login.md", "lib/x.ts"]);
    await ready("code", ["src/a.ts"]);

    const { claims } = await ana.claims.releasePaths({ ...held, paths: ["Docs/Login.md", "lib", "not-held"] });

    expect(claims.flatMap((claim) => claim.touches.map((t) => t.path))).toEqual(["src"]);
    expect((await feature("login")).touches.map((t) => t.path)).toEqual(["src"]);
    await pick("readme", await session());
    expect((await refusalOf(pick("code", await session()))).reason).toBe("CLAIM_CONFLICT");
  });

  test("paths whose release the claim store did not hear of are freed by the reconciler", async () => {
    const nexus = await startNexus(kind);
    const work = await atWork(nexus);
    const { deps } = nexus.server;
    let calls = 0;
    // The lease's renewal and the list afterwards go through; the release between them does not.
    const failing: ClaimAccess["run"] = (project, call) =>
      ++calls === 2 ? Promise.reject(new StoreUnavailableError("claims")) : deps.claims.run(project, call);
    const claims: ClaimAccess = Object.assign(Object.create(deps.claims), { run: failing });
    const caller = {
      engineerId: work.ana.id as EngineerId,
      engineerName: "ana",
      keyId: "",
      scope: "full",
      request: undefined,
    } as const;
    const hold = {
      projectId: work.projectId as ProjectId,
      slug: "login" as Slug,
      sessionId: work.sessionId as SessionId,
      fencingToken: work.fencingToken,
    };

    await releasePaths({ ...deps, claims }, caller, hold, ["docs/login.md"]);
    expect(await heldPaths(work)).toEqual(["docs/login.md", "src"]);
    await nexus.server.reconcile();

    expect(await heldPaths(work)).toEqual(["src"]);
  });

  test("a forced release returns the feature at once and its paths after the lock-delay", async () => {
    const nexus = await startNexus(kind);
    const { ana, projectId, ready, session, pick, done, feature, sessionId, fencingToken } = await atWork(nexus);
    await ready("other", ["src/a.ts"]);

    const { formerHolder } = await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "gone home" });

    expect(formerHolder?.sessionId).toBe(sessionId);
    expect(await feature("login")).toMatchObject({
      status: FeatureStatus.READY,
      interruption: { sessionId, cause: InterruptionCause.FORCED_RELEASE },
    });
    expect((await refusalOf(done("login", sessionId, fencingToken))).reason).toBe("FENCING_TOKEN_STALE");
    const two = await session();
    await nexus.server.reconcile();
    expect((await refusalOf(pick("other", two))).reason).toBe("CLAIM_CONFLICT");
    expect((await refusalOf(pick("login", two))).reason).toBe("FEATURE_ALREADY_HELD");
    await nexus.advance(LOCK_DELAY_MS + 1);
    await nexus.server.reconcile();
    await pick("other", two);
    expect(await heldPaths({ ana, projectId })).toEqual(["src/a.ts"]);
  });

  test("a session that is closed frees what it holds at once, also while another claim drains", async () => {
    const nexus = await startNexus(kind);
    const { ana, projectId, ready, session, pick } = await atWork(nexus);
    await ready("apart", ["lib"]);
    await ready("next", ["lib/a.ts"]);
    const two = await session();
    await pick("apart", two);
    await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "gone home" });

    await ana.sessions.closeSession({ projectId, sessionId: two });

    expect((await pick("next", await session())).feature?.status).toBe(FeatureStatus.ACTIVE);
  });

  test("only owners and the holder's own engineer release by force, with a reason, what is held", async () => {
    const nexus = await startNexus(kind);
    const { ana, projectId, ready } = await atWork(nexus);
    const ben = await nexus.join("ben");
    await ana.projects.addMember({ projectId, email: ben.email });
    await ready("idle");

    const asked = { projectId, slug: "login", reason: "I want it" };
    expect((await refusalOf(ben.claims.forceReleaseClaim(asked))).reason).toBe("PERMISSION_DENIED");
    const mute = await refusalOf(ana.claims.forceReleaseClaim({ ...asked, reason: " " }));
    expect(mute.detail(BadRequestSchema)?.fieldViolations[0]?.field).toBe("reason");
    const idle = await refusalOf(ana.claims.forceReleaseClaim({ ...asked, slug: "idle" }));
    expect(idle.reason).toBe("STATUS_TRANSITION_INVALID");
  });

  test("verification tells covered from unclaimed from somebody else's, and a folder's claim from its file's", async () => {
    const { ana, projectId, ready, session, pick, done, sessionId, fencingToken, held } = await atWork(
      await startNexus(kind),
    );
    await ana.claims.extendClaim({ ...held, touches: [{ path: "lib/*.ts" }] });
    await ready("other", ["test/a.ts", "glob:weird/\\*.ts"]);
    await pick("other", await session());
    const paths = ["src/deep/x.ts", "lib/a.ts", "test/a.ts", "test", "README.md", "weird/*.ts"];

    const verified = await ana.claims.verifyPaths({ projectId, fencingToken, paths });

    expect(verified.live).toBe(true);
    expect(verified.paths.map((p) => [p.path, p.verdict])).toEqual([
      ["src/deep/x.ts", Verdict.COVERED],
      ["lib/a.ts", Verdict.COVERED],
      ["test/a.ts", Verdict.HELD_BY_OTHER],
      ["test", Verdict.UNCLAIMED],
      ["README.md", Verdict.UNCLAIMED],
      ["weird/*.ts", Verdict.HELD_BY_OTHER],
    ]);
    expect(verified.paths[2]?.holder?.featureSlug).toBe("other");
    await done("login", sessionId, fencingToken);
    const after = await ana.claims.verifyPaths({ projectId, fencingToken, paths: ["src/deep/x.ts"] });
    expect(after).toMatchObject({ live: false, paths: [{ verdict: Verdict.UNCLAIMED }] });
  });

  test("shared touches share with shared ones only", async () => {
    const { ana, ready, session, pick, projectId } = await openWorkplace(await startNexus(kind));
    for (const slug of ["one", "two", "three"]) {
      await ana.features.createFeature({
        projectId,
        slug,
        title: slug,
        touches: [{ path: "notes.md", mode: ClaimMode.SHARED }],
      });
      await ana.features.markFeatureReady({ projectId, slug });
    }
    await ready("whole", ["notes.md"]);
    await pick("one", await session());

    const { claim } = await pick("two", await session());

    expect(claim?.touches).toMatchObject([{ path: "notes.md", mode: ClaimMode.SHARED }]);
    const available = await ana.features.listAvailableFeatures({ projectId });
    expect(available.features.map((feature) => feature.slug)).toEqual(["three"]);
    expect((await refusalOf(pick("whole", await session()))).reason).toBe("CLAIM_CONFLICT");
  });

  test("what the project shares is claimed shared by its own name, not by a folder above it", async () => {
    const { ana, ready, session, pick, projectId } = await openWorkplace(await startNexus(kind));
    await ana.projects.updateProject({
      projectId,
      project: { settings: { sharedPaths: ["app/package-lock.json"] } },
      updateMask: { paths: ["settings.shared_paths"] },
    });
    await ready("one", ["App/package-lock.json", "a.ts"]);
    await ready("two", ["app/package-lock.json", "b.ts"]);
    await ready("folder", ["app"]);

    const first = await pick("one", await session());
    const second = await pick("two", await session());

    expect(first.claim?.touches.map((t) => [t.path, t.mode])).toEqual([
      ["App/package-lock.json", ClaimMode.SHARED],
      ["a.ts", ClaimMode.EXCLUSIVE],
    ]);
    expect(second.feature?.status).toBe(FeatureStatus.ACTIVE);
    expect((await refusalOf(pick("folder", await session()))).reason).toBe("CLAIM_CONFLICT");
  });

  test("the same engineer takes over: the new session holds all, the old one lives and is told", async () => {
    const nexus = await startNexus(kind);
    const { ana, held, done, session, feature, sessionId, fencingToken, projectId } = await atWork(nexus);
    await ana.claims.extendClaim({ ...held, touches: [{ path: "lib" }] });
    const next = await session();
    const request = { projectId, slug: "login", sessionId: next, takeOver: fencingToken, requestId: randomUUID() };

    const { claim } = await ana.features.pickFeature(request);
    const again = await ana.features.pickFeature(request);

    expect(claim?.fencingToken).toBeGreaterThan(fencingToken);
    expect(again.claim?.id).toBe(claim?.id);
    expect(await heldPaths({ ana, projectId })).toEqual(["docs/login.md", "lib", "src"]);
    expect((await feature("login")).holder?.sessionId).toBe(next);
    const late = await refusalOf(done("login", sessionId, fencingToken));
    expect(late.detail(FencingTokenStaleSchema)?.status).toBe(FeatureStatus.ACTIVE);
    await ana.sessions.heartbeatSession({ projectId, sessionId });
    // What is rebuilt is what stands in Postgres: the old claims are over there, too.
    await nexus.claimStore.deleteProject(projectId as ProjectId);
    expect(await heldPaths({ ana, projectId })).toEqual(["docs/login.md", "lib", "src"]);
    await done("login", next, claim?.fencingToken ?? 0n);
    expect(await heldPaths({ ana, projectId })).toEqual([]);
  });

  test("nobody takes over under a stale token, or from somebody else", async () => {
    const nexus = await startNexus(kind);
    const { ana, session, feature, sessionId, fencingToken, projectId } = await atWork(nexus);
    const ben = await nexus.join("ben");
    await ana.projects.addMember({ projectId, email: ben.email });
    const [next, bens] = [await session(), await session(ben)];

    const named = { projectId, slug: "login" };
    const stale = await refusalOf(ana.features.pickFeature({ ...named, sessionId: next, takeOver: fencingToken - 1n }));
    const foreign = await refusalOf(ben.features.pickFeature({ ...named, sessionId: bens, takeOver: fencingToken }));

    expect(stale.reason).toBe("FENCING_TOKEN_STALE");
    expect(foreign.reason).toBe("FEATURE_ALREADY_HELD");
    expect((await feature("login")).holder?.sessionId).toBe(sessionId);
  });
});
