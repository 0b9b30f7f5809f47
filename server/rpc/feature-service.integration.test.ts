import { randomUUID } from "node:crypto";
import { BadRequestSchema, RetryInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import type { ClaimMode } from "@nexus/gen/nexus/v1/claim_pb";
import {
  ClaimConflictSchema,
  DependenciesUnmetSchema,
  DependencyCycleSchema,
  EtagMismatchSchema,
  FeatureAlreadyHeldSchema,
  FencingTokenStaleSchema,
  SessionBusySchema,
  SessionExpiredSchema,
  StatusTransitionInvalidSchema,
} from "@nexus/gen/nexus/v1/error_details_pb";
import { FeatureStatus, InterruptionCause, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { FeatureWarning_Kind } from "@nexus/gen/nexus/v1/feature_service_pb";
import { describe, expect, test } from "vitest";
import { startNexus } from "../testing/start-nexus.ts";
import { openWorkplace, refusalOf } from "../testing/workplace.ts";

const TTL_MS = 5 * 60_000;
const LOCK_DELAY_MS = 15_000;

describe.each(["redis", "embedded"] as const)("with %s claims", (kind) => {
  test("a pick claims every touch and answers what is held", async () => {
    const { ready, session, pick, feature } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src/auth.ts", "src/ui/**"]);
    const me = await session();

    const { feature: picked, claim } = await pick("login", me);

    expect(picked).toMatchObject({ status: FeatureStatus.ACTIVE, holder: { engineerName: "ana", agent: "claude" } });
    expect(claim?.touches.map((t) => t.path)).toEqual(["src/auth.ts", "src/ui/**"]);
    expect(claim?.fencingToken).toBeGreaterThan(0n);
    expect((await feature("login")).holder?.sessionId).toBe(me);
  });

  test("a refusal names each blocked touch with witness and holder, suggests what is free, and claims nothing", async () => {
    const { ready, session, pick, hold, ana, projectId } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src/Auth.ts", "src/ui/**"]);
    await ready("other", ["src/ui/button.tsx", "src/auth.ts", "docs/login.md"]);
    await ready("busy-too", ["src"]);
    await ready("free-later", ["lib"], { lane: Lane.LATER });
    await ready("free-now", ["docs"], { lane: Lane.NOW });
    const [one, two] = [await session(), await session()];
    await hold("login", one);

    const refusal = await refusalOf(pick("other", two));

    expect(refusal).toMatchObject({ code: "FailedPrecondition", reason: "CLAIM_CONFLICT" });
    const conflict = refusal.detail(ClaimConflictSchema);
    expect(conflict?.blocked.map((b) => [b.touch?.path, b.heldPath, b.witnessPath, b.holder?.featureSlug])).toEqual([
      ["src/ui/button.tsx", "src/ui/**", "src/ui/button.tsx", "login"],
      ["src/auth.ts", "src/Auth.ts", "src/auth.ts", "login"],
    ]);
    expect(conflict?.blocked[0]?.holder).toMatchObject({ engineerName: "ana", agent: "claude", sessionId: one });
    expect(conflict?.suggestions.map((s) => s.slug)).toEqual(["free-now", "free-later"]);
    expect(refusal.detail(RetryInfoSchema)).toBeDefined();
    const { paths } = await ana.claims.checkPaths({ projectId, paths: ["docs/login.md"] });
    expect(paths[0]?.holder).toBeUndefined();
  });

  test.each(["completeFeature", "releaseFeature", "cancelFeature"] as const)(
    "%s frees the paths at once",
    async (method) => {
      const { ready, session, pick, hold, ana, projectId } = await openWorkplace(await startNexus(kind));
      await ready("login", ["src"]);
      await ready("other", ["src/a.ts"]);
      const [one, two] = [await session(), await session()];
      const fencingToken = await hold("login", one);

      await ana.features[method]({ projectId, slug: "login", sessionId: one, fencingToken });

      expect((await pick("other", two)).feature?.status).toBe(FeatureStatus.ACTIVE);
    },
  );

  test("one session at a time holds a feature without touches", async () => {
    const { ready, session, pick, hold } = await openWorkplace(await startNexus(kind));
    await ready("think");
    const [one, two] = [await session(), await session()];
    await hold("think", one);

    const refusal = await refusalOf(pick("think", two));

    expect(refusal.reason).toBe("FEATURE_ALREADY_HELD");
    expect(refusal.detail(FeatureAlreadyHeldSchema)?.holder?.sessionId).toBe(one);
  });

  test("a second pick of what a session holds answers the same claim", async () => {
    const { ready, session, pick } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src"]);
    const me = await session();

    const first = await pick("login", me);
    const second = await pick("login", me);

    expect(second.claim?.id).toBe(first.claim?.id);
    expect(second.claim?.fencingToken).toBe(first.claim?.fencingToken);
  });

  test("a session holds one feature at a time", async () => {
    const { ready, session, pick, hold } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src"]);
    await ready("other", ["docs"]);
    const me = await session();
    await hold("login", me);

    const refusal = await refusalOf(pick("other", me));

    expect(refusal.reason).toBe("SESSION_BUSY");
    expect(refusal.detail(SessionBusySchema)?.featureSlug).toBe("login");
  });

  test("a stale token changes nothing", async () => {
    const { ready, session, hold, done, feature } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src"]);
    const me = await session();
    const token = await hold("login", me);

    const refusal = await refusalOf(done("login", me, token - 1n));

    expect(refusal).toMatchObject({ code: "Aborted", reason: "FENCING_TOKEN_STALE" });
    expect(refusal.detail(FencingTokenStaleSchema)).toMatchObject({
      featureSlug: "login",
      status: FeatureStatus.ACTIVE,
    });
    expect((await feature("login")).status).toBe(FeatureStatus.ACTIVE);
  });

  test("tokens rise from one pick to the next", async () => {
    const { ready, session, hold, ana, projectId } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src"]);
    const me = await session();
    const first = await hold("login", me);
    await ana.features.releaseFeature({ projectId, slug: "login", sessionId: me, fencingToken: first });

    expect(await hold("login", me)).toBeGreaterThan(first);
  });

  test("the same request id picks once and answers the same claim; afterwards it says how that ended", async () => {
    const { ready, session, pick, done } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src"]);
    const me = await session();
    const requestId = randomUUID();

    const [first, second] = await Promise.all([pick("login", me, requestId), pick("login", me, requestId)]);
    expect(second.claim?.id).toBe(first.claim?.id);
    await done("login", me, first.claim?.fencingToken ?? 0n);

    const refusal = await refusalOf(pick("login", me, requestId));
    expect(refusal.reason).toBe("FENCING_TOKEN_STALE");
    expect(refusal.detail(FencingTokenStaleSchema)?.status).toBe(FeatureStatus.DONE);
  });

  test("done under one request id happens once and answers the same again", async () => {
    const { ready, session, hold, ana, projectId } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src"]);
    const me = await session();
    const request = {
      projectId,
      slug: "login",
      sessionId: me,
      fencingToken: await hold("login", me),
      requestId: randomUUID(),
    };

    const first = await ana.features.completeFeature(request);
    const second = await ana.features.completeFeature(request);

    expect(second.feature).toEqual(first.feature);
  });

  test("a request id that comes with another body is refused", async () => {
    const { ready, session, pick } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src"]);
    await ready("other", ["docs"]);
    const [one, two] = [await session(), await session()];
    const requestId = randomUUID();
    await pick("login", one, requestId);

    expect((await refusalOf(pick("other", two, requestId))).reason).toBe("REQUEST_ID_REUSED");
  });

  test("a refused pick is not recorded: the same request id succeeds once the way is free", async () => {
    const { ready, session, pick, hold, done } = await openWorkplace(await startNexus(kind));
    await ready("login", ["src"]);
    await ready("other", ["src/a.ts"]);
    const [one, two] = [await session(), await session()];
    const token = await hold("login", one);
    const requestId = randomUUID();
    await refusalOf(pick("other", two, requestId));
    await done("login", one, token);

    expect((await pick("other", two, requestId)).feature?.status).toBe(FeatureStatus.ACTIVE);
  });

  test("the sweeper returns an expired session's feature with an interruption, and its paths one lock-delay later", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, hold, feature, ana, projectId } = await openWorkplace(nexus);
    await ready("login", ["src"]);
    const dead = await session();
    await hold("login", dead);

    await nexus.advance(TTL_MS + 1);
    await nexus.server.reconcile();

    const returned = await feature("login");
    expect(returned.status).toBe(FeatureStatus.READY);
    expect(returned.interruption).toMatchObject({
      sessionId: dead,
      engineerName: "ana",
      host: "laptop",
      worktree: "/home/ana/shop",
      cause: InterruptionCause.SESSION_EXPIRED,
    });
    const holder = async () => (await ana.claims.checkPaths({ projectId, paths: ["src/a.ts"] })).paths[0]?.holder;
    expect((await holder())?.sessionId).toBe(dead);
    await nexus.advance(LOCK_DELAY_MS);
    expect(await holder()).toBeUndefined();
  });

  test("a picker that meets an expired holder ends it without the sweeper, and gets the paths after the lock-delay", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, pick, hold, feature } = await openWorkplace(nexus);
    await ready("login", ["src"]);
    await ready("other", ["src/a.ts"]);
    const dead = await session();
    await hold("login", dead);
    await nexus.advance(TTL_MS + 1);
    const live = await session();

    expect((await refusalOf(pick("other", live))).reason).toBe("CLAIM_CONFLICT");
    expect((await feature("login")).status).toBe(FeatureStatus.READY);
    await nexus.advance(LOCK_DELAY_MS);
    expect((await pick("other", live)).feature?.status).toBe(FeatureStatus.ACTIVE);
  });

  test("a sleeper that comes back after its expiry is told what it lost, and disturbs nobody", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, hold, done, feature, ana, projectId } = await openWorkplace(nexus);
    await ready("login", ["src"]);
    const sleeper = await session();
    const old = await hold("login", sleeper);
    await nexus.advance(TTL_MS + 1);
    const live = await session();
    await nexus.server.reconcile();
    await nexus.advance(LOCK_DELAY_MS);
    await hold("login", live);

    const late = [
      await refusalOf(done("login", sleeper, old)),
      await refusalOf(ana.sessions.heartbeatSession({ projectId, sessionId: sleeper })),
      await refusalOf(ana.features.releaseFeature({ projectId, slug: "login", sessionId: sleeper, fencingToken: old })),
    ];

    for (const refusal of late) {
      expect(refusal.reason).toBe("SESSION_EXPIRED");
      expect(refusal.detail(SessionExpiredSchema)).toMatchObject({
        lostFeatureSlug: "login",
        lostTouches: [{ path: "src" }],
      });
    }
    expect((await feature("login")).holder?.sessionId).toBe(live);
  });

  test("done still succeeds when the lease has lapsed but nobody has taken the work away", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, hold, done } = await openWorkplace(nexus);
    await ready("login", ["src"]);
    const me = await session();
    const token = await hold("login", me);
    await nexus.advance(TTL_MS + 1);

    expect((await done("login", me, token)).feature?.status).toBe(FeatureStatus.DONE);
  });

  test("any call that names the session keeps it alive", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, hold, feature, ana, projectId } = await openWorkplace(nexus);
    await ready("login", ["src"]);
    const me = await session();
    await hold("login", me);

    for (let i = 0; i < 3; i++) {
      await nexus.advance(TTL_MS - 1_000);
      await ana.claims.checkPaths({ projectId, paths: ["src"], sessionId: me });
      await nexus.server.reconcile();
    }

    expect((await feature("login")).holder?.sessionId).toBe(me);
  });

  test("features are picked in the order of their dependencies", async () => {
    const { ready, session, pick, hold, done, ana, projectId } = await openWorkplace(await startNexus(kind));
    await ready("base", ["lib"]);
    await ready("login", ["src"], { dependsOn: ["base"] });
    const me = await session();

    const refusal = await refusalOf(pick("login", me));
    expect(refusal.reason).toBe("DEPENDENCIES_UNMET");
    expect(refusal.detail(DependenciesUnmetSchema)?.unmet).toMatchObject([
      { slug: "base", status: FeatureStatus.READY },
    ]);
    const available = await ana.features.listAvailableFeatures({ projectId });
    expect(available.features.map((f) => f.slug)).toEqual(["base"]);

    await done("base", me, await hold("base", me));
    expect((await pick("login", me)).feature?.status).toBe(FeatureStatus.ACTIVE);
  });
});

test("a feature answers what it depends on, in the order given, and in lists as well", async () => {
  const { ready, feature, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  for (const slug of ["a", "b", "c"]) await ready(slug);
  await ready("last", [], { dependsOn: ["c", "a", "b"] });

  expect((await feature("last")).dependsOn).toEqual(["c", "a", "b"]);
  expect((await feature("a")).dependsOn).toEqual([]);
  const { features } = await ana.features.listFeatures({ projectId });
  expect(features.map(({ dependsOn }) => dependsOn)).toEqual([[], [], [], ["c", "a", "b"]]);
});

test("dependencies never form a cycle", async () => {
  const { ready, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  await ready("a");
  await ready("b", [], { dependsOn: ["a"] });
  await ready("c", [], { dependsOn: ["b"] });

  const refusal = await refusalOf(
    ana.features.updateFeature({
      projectId,
      slug: "a",
      feature: { dependsOn: ["c"] },
      updateMask: { paths: ["depends_on"] },
    }),
  );

  expect(refusal.reason).toBe("DEPENDENCY_CYCLE");
  expect(refusal.detail(DependencyCycleSchema)?.cycle).toEqual(["a", "c", "b", "a"]);
});

test("every transition that the table does not have is refused, naming those it has", async () => {
  const { ready, session, hold, ana, projectId, pick, done } = await openWorkplace(await startNexus("embedded"));
  const me = await session();
  await ana.features.createFeature({ projectId, slug: "draft", title: "draft" });
  await ready("done");
  await done("done", me, await hold("done", me));
  await ready("active");
  await hold("active", me);
  const named = (slug: string) => ({ projectId, slug });

  const refused = {
    "pick draft": await refusalOf(pick("draft", await session())),
    "unready active": await refusalOf(ana.features.unreadyFeature(named("active"))),
    "delete active": await refusalOf(ana.features.deleteFeature(named("active"))),
    "ready done": await refusalOf(ana.features.markFeatureReady(named("done"))),
    "cancel done": await refusalOf(ana.features.cancelFeature(named("done"))),
  };

  expect(Object.values(refused).map((r) => r.reason)).toEqual(Array(5).fill("STATUS_TRANSITION_INVALID"));
  expect(refused["pick draft"].detail(StatusTransitionInvalidSchema)).toMatchObject({
    from: FeatureStatus.DRAFT,
    asked: FeatureStatus.ACTIVE,
    allowed: [FeatureStatus.READY, FeatureStatus.CANCELLED],
  });
  expect(refused["ready done"].detail(StatusTransitionInvalidSchema)?.allowed).toEqual([]);
});

test("ready and unready may be repeated; a change of touches makes a ready feature a draft again", async () => {
  const { ready, feature, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  await ready("login", ["src"]);
  const named = { projectId, slug: "login" };
  await ana.features.markFeatureReady(named);
  await ana.features.updateFeature({ ...named, feature: { title: "Log in" }, updateMask: { paths: ["title"] } });
  expect((await feature("login")).status).toBe(FeatureStatus.READY);

  const { feature: changed } = await ana.features.updateFeature({
    ...named,
    feature: { touches: [{ path: "lib" }] },
    updateMask: { paths: ["touches"] },
  });

  expect(changed).toMatchObject({ status: FeatureStatus.DRAFT, touches: [{ path: "lib" }] });
  await ana.features.unreadyFeature(named);
});

test("an update with the etag of an older reading is refused", async () => {
  const { ready, feature, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  await ready("login");
  const { etag } = await feature("login");
  const rename = (title: string) =>
    ana.features.updateFeature({
      projectId,
      slug: "login",
      feature: { title },
      updateMask: { paths: ["title"] },
      etag,
    });
  await rename("first");

  const refusal = await refusalOf(rename("second"));

  expect(refusal.reason).toBe("ETAG_MISMATCH");
  expect(refusal.detail(EtagMismatchSchema)?.currentEtag).toBe((await feature("login")).etag);
  expect((await feature("login")).title).toBe("first");
});

test("bad input is refused field by field and changes nothing", async () => {
  const { ana, projectId } = await openWorkplace(await startNexus("embedded"));
  const refusal = await refusalOf(
    ana.features.createFeature({
      projectId,
      slug: "Not a slug",
      lane: 99 as Lane,
      touches: [{ path: "../up" }, { path: "src/{a,b" }, { path: "fine.ts", mode: 9 as ClaimMode }],
      dependsOn: ["-x"],
    }),
  );

  expect(refusal).toMatchObject({ code: "InvalidArgument", reason: "REQUEST_INVALID" });
  expect(
    refusal
      .detail(BadRequestSchema)
      ?.fieldViolations.map((v) => v.field)
      .sort(),
  ).toEqual(["depends_on[0]", "lane", "slug", "touches[0].path", "touches[1].path", "touches[2].mode"]);
  expect((await ana.features.listFeatures({ projectId })).features).toEqual([]);
});

test("a bad path alone is PATH_INVALID", async () => {
  const { ana, projectId } = await openWorkplace(await startNexus("embedded"));
  const refusal = await refusalOf(
    ana.features.createFeature({ projectId, title: "x", touches: [{ path: "/etc/passwd" }] }),
  );
  expect(refusal).toMatchObject({ code: "InvalidArgument", reason: "PATH_INVALID" });
  expect(refusal.detail(BadRequestSchema)?.fieldViolations[0]?.field).toBe("touches[0].path");
});

test("an empty spec and no touches are warned of, not refused", async () => {
  const { ana, projectId } = await openWorkplace(await startNexus("embedded"));
  const { feature, warnings } = await ana.features.createFeature({ projectId, title: "Überlegung: später!" });
  expect(feature).toMatchObject({ slug: "uberlegung-spater", status: FeatureStatus.DRAFT, lane: Lane.NEXT });
  expect(warnings.map((w) => w.kind)).toEqual([FeatureWarning_Kind.SPEC_EMPTY, FeatureWarning_Kind.TOUCHES_EMPTY]);
});

test("broad and hot touches, and patterns that match no file, are warned of", async () => {
  const { ready, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  for (let i = 0; i < 11; i++) await ready(`f${i}`, i < 5 ? [`src/m${i}.ts`, "src/hot.ts"] : [`src/m${i}.ts`]);

  const { warnings } = await ana.features.createFeature({
    projectId,
    slug: "wide",
    title: "wide",
    spec: "x",
    touches: [
      { path: "src" },
      { path: "SRC/hot.ts" },
      { path: "**/*.md" },
      { path: "new/file.ts" },
      { path: "lib/*.ts" },
    ],
    repositoryPaths: ["src/m1.ts", "lib/a.ts", "lib/deep/b.md/"],
  });

  expect(warnings.map((w) => [w.kind, w.path, w.count])).toEqual([
    [FeatureWarning_Kind.TOUCH_BROAD, "src", 11],
    [FeatureWarning_Kind.TOUCH_HOT, "SRC/hot.ts", 5],
    [FeatureWarning_Kind.TOUCH_BROAD, "**/*.md", 11],
  ]);
  const again = await ana.features.markFeatureReady({ projectId, slug: "wide", repositoryPaths: ["lib/a.ts"] });
  expect(again.warnings.at(-1)).toMatchObject({ kind: FeatureWarning_Kind.TOUCH_MATCHES_NOTHING, path: "**/*.md" });
});

test("lists come by lane and position, filtered, page by page, and a token serves its own query only", async () => {
  const { ready, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  await ready("l1", [], { lane: Lane.LATER });
  for (const slug of ["n1", "n2", "n3"]) await ready(slug, [], { lane: Lane.NOW });
  await ana.features.createFeature({ projectId, slug: "draft", title: "draft", lane: Lane.NOW });
  const query = { projectId, statuses: [FeatureStatus.READY], pageSize: 2 };

  const first = await ana.features.listFeatures(query);
  const second = await ana.features.listFeatures({ ...query, pageToken: first.nextPageToken });

  expect([...first.features, ...second.features].map((f) => f.slug)).toEqual(["n1", "n2", "n3", "l1"]);
  expect(second.nextPageToken).toBe("");
  const { features } = await ana.features.listFeatures({ projectId, lanes: [Lane.NOW], pageSize: 500 });
  expect(features.map((f) => f.slug)).toEqual(["n1", "n2", "n3", "draft"]);
  const refusal = await refusalOf(ana.features.listFeatures({ projectId, pageToken: first.nextPageToken }));
  expect(refusal.detail(BadRequestSchema)?.fieldViolations[0]?.field).toBe("page_token");
});

test("a stranger can't tell a feature, a session or a project from nothing", async () => {
  const nexus = await startNexus("embedded");
  const { ready, session, projectId } = await openWorkplace(nexus);
  await ready("login", ["src"]);
  const sessionId = await session();
  const eve = await nexus.join("eve");
  const own = await openWorkplace(nexus);

  const refusals = [
    await refusalOf(eve.features.getFeature({ projectId, slug: "login" })),
    await refusalOf(eve.features.getFeature({ projectId: randomUUID(), slug: "login" })),
    await refusalOf(eve.features.pickFeature({ projectId, slug: "login", sessionId })),
    await refusalOf(eve.sessions.heartbeatSession({ projectId, sessionId })),
    await refusalOf(eve.claims.checkPaths({ projectId, paths: ["src"] })),
    await refusalOf(eve.projects.getProjectStatus({ projectId })),
    await refusalOf(own.ana.sessions.heartbeatSession({ projectId: own.projectId, sessionId })),
  ];

  expect(refusals.map((r) => r.reason)).toEqual(Array(7).fill("RESOURCE_NOT_FOUND"));
});

test("an owner may cancel what somebody else works on, a member may not", async () => {
  const nexus = await startNexus("embedded");
  const { ready, session, hold, pick, feature, ana, projectId } = await openWorkplace(nexus);
  const [ben, cleo] = [await nexus.join("ben"), await nexus.join("cleo")];
  for (const { email } of [ben, cleo]) await ana.projects.addMember({ projectId, email });
  await ready("login", ["src"]);
  const sessionId = await session(ben);
  await ben.features.pickFeature({ projectId, slug: "login", sessionId });

  expect((await refusalOf(cleo.features.cancelFeature({ projectId, slug: "login" }))).reason).toBe("PERMISSION_DENIED");
  await ana.features.cancelFeature({ projectId, slug: "login" });

  expect((await feature("login")).status).toBe(FeatureStatus.CANCELLED);
  // Ben may still be writing, so his files are blocked for the lock-delay.
  await ready("next", ["src/a.ts"]);
  const next = await session();
  expect((await refusalOf(pick("next", next))).reason).toBe("CLAIM_CONFLICT");
  await nexus.advance(15_001);
  await hold("next", next);
});
