import { describe, expect, test } from "vitest";
import type { ClaimScope, ClaimStore, RebuiltClaim } from "../../domain/claims/claim-store.ts";
import {
  newFeature,
  newId,
  ProjectFixture,
  pattern,
  type StoreFactory,
  TTL_MS,
  touch,
} from "../claim-store-fixture.ts";

/** Every method that serves only the project's epoch. */
const SERVED: Record<string, (store: ClaimStore, scope: ClaimScope) => Promise<{ readonly kind: string }>> = {
  acquire: (store, scope) =>
    store.acquire(scope, {
      claimId: newId<"ClaimId">(),
      featureId: newFeature(),
      sessionId: newId<"SessionId">(),
      ttlMs: TTL_MS,
      touches: [touch("a")],
    }),
  confirm: (store, scope) => store.confirm(scope, newId<"ClaimId">()),
  release: (store, scope) => store.release(scope, [newId<"ClaimId">()]),
  retainTouches: (store, scope) => store.retainTouches(scope, newId<"ClaimId">(), []),
  drain: (store, scope) => store.drain(scope, [newId<"ClaimId">()], 1_000),
  check: (store, scope) => store.check(scope, [pattern("a")]),
  list: (store, scope) => store.list(scope),
  openSession: (store, scope) => store.openSession(scope, newId<"SessionId">(), TTL_MS),
  heartbeat: (store, scope) => store.heartbeat(scope, newId<"SessionId">(), TTL_MS),
  endSession: (store, scope) => store.endSession(scope, newId<"SessionId">(), 0),
  listLeases: (store, scope) => store.listLeases(scope),
  dueWork: (store, scope) => store.dueWork(scope, 10),
};

/** How a store that lost its memory gets it back, and whom it serves meanwhile. */
export function rebuildContract(create: StoreFactory): void {
  describe("rebuild", () => {
    test.each(Object.entries(SERVED))("%s is refused outside the project's served epoch", async (_, call) => {
      const under = await create();
      const scope = { projectId: newId<"ProjectId">(), epoch: 3 };
      expect(await call(under.store, scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
      await under.store.beginRebuild(scope, "mark");
      expect(await call(under.store, scope)).toEqual({ kind: "recovering", storeEpoch: 3 });
      await under.store.finishRebuild(scope, "mark");
      expect((await call(under.store, scope)).kind).not.toBe("recovering");
      for (const epoch of [2, 4]) {
        expect(await call(under.store, { ...scope, epoch })).toEqual({ kind: "recovering", storeEpoch: 3 });
      }
      expect(await under.leftovers(scope.projectId)).toHaveLength(call === SERVED["openSession"] ? 1 : 0);
    });

    test("begins by forgetting everything", async () => {
      const project = await ProjectFixture.create(await create());
      await project.hold("a", "**/*.ts");
      const next = { ...project.scope, epoch: 2 };
      expect(await project.store.beginRebuild(next, "mark")).toEqual({ kind: "begun" });
      expect(await project.leftovers()).toEqual([]);
    });

    test("is superseded at a lower epoch, and at one that is served; nothing is changed", async () => {
      const project = await ProjectFixture.create(await create(), 5);
      const held = await project.hold("a");
      for (const epoch of [4, 5]) {
        const begun = await project.store.beginRebuild({ ...project.scope, epoch }, "mark");
        expect(begun).toEqual({ kind: "superseded" });
      }
      expect(await project.holders("a")).toEqual([held.claimId]);
    });

    test("replaces another's that has not finished, whose next steps are superseded", async () => {
      const { store } = await create();
      const scope = { projectId: newId<"ProjectId">(), epoch: 1 };
      await store.beginRebuild(scope, "one");
      expect(await store.beginRebuild(scope, "two")).toEqual({ kind: "begun" });
      const claim = rebuiltClaim({ sessionId: newId<"SessionId">() });
      expect(await store.rebuildSession(scope, "one", claim.sessionId, TTL_MS)).toEqual({ kind: "superseded" });
      expect(await store.rebuildClaim(scope, "one", claim)).toEqual({ kind: "superseded" });
      expect(await store.finishRebuild(scope, "one")).toEqual({ kind: "superseded" });
      expect(await store.list(scope)).toEqual({ kind: "recovering", storeEpoch: 1 });
    });

    test("is superseded by a higher epoch in the midst of it", async () => {
      const { store } = await create();
      const scope = { projectId: newId<"ProjectId">(), epoch: 1 };
      await store.beginRebuild(scope, "mark");
      await store.beginRebuild({ ...scope, epoch: 2 }, "mark");
      expect(await store.rebuildSession(scope, "mark", newId<"SessionId">(), TTL_MS)).toEqual({ kind: "superseded" });
      expect(await store.finishRebuild(scope, "mark")).toEqual({ kind: "superseded" });
    });

    test("restores leases with a fresh ttl and claims as held, with the token they have", async () => {
      const under = await create();
      const { store } = under;
      const scope = { projectId: newId<"ProjectId">(), epoch: 9 };
      const claim = rebuiltClaim({
        fencingToken: 8n * 2n ** 32n + 77n,
        touches: [touch("src/**"), touch("b", "shared")],
      });
      await store.beginRebuild(scope, "mark");
      expect(await store.rebuildSession(scope, "mark", claim.sessionId, TTL_MS)).toEqual({ kind: "rebuilt" });
      expect(await store.rebuildClaim(scope, "mark", claim)).toEqual({ kind: "rebuilt" });
      expect(await store.finishRebuild(scope, "mark")).toEqual({ kind: "rebuilt" });

      const listed = await store.list(scope);
      const beat = await store.heartbeat(scope, claim.sessionId, TTL_MS);
      if (listed.kind !== "listed" || beat.kind !== "alive") throw new Error("not served");
      expect(listed.claims).toEqual([
        {
          claimId: claim.claimId,
          featureId: claim.featureId,
          sessionId: claim.sessionId,
          fencingToken: claim.fencingToken,
          state: "held",
          acquireTime: claim.acquireTime,
          expireTime: beat.expireTime,
          sessionExpired: false,
          overdue: false,
          touches: [
            { path: "src/**", mode: "exclusive" },
            { path: "b", mode: "shared" },
          ],
        },
      ]);
      const request = {
        claimId: newId<"ClaimId">(),
        featureId: newFeature(),
        sessionId: claim.sessionId,
        ttlMs: TTL_MS,
      };
      expect((await store.acquire(scope, { ...request, touches: [touch("src/a")] })).kind).toBe("conflict");
      const granted = await store.acquire(scope, { ...request, touches: [touch("c")] });
      expect(granted).toMatchObject({ kind: "granted", fencingToken: 9n * 2n ** 32n + 1n });
    });

    test("restores each claim once however often it is asked, and none that overlaps another feature's", async () => {
      const under = await create();
      const scope = { projectId: newId<"ProjectId">(), epoch: 1 };
      const sessionId = newId<"SessionId">();
      const first = rebuiltClaim({ sessionId, touches: [touch("src/**"), touch("lock", "shared")] });
      const beside = rebuiltClaim({ sessionId, featureId: first.featureId, touches: [touch("src/a")] });
      const shared = rebuiltClaim({ sessionId, touches: [touch("lock", "shared")] });
      const late = rebuiltClaim({ sessionId, touches: [touch("b"), touch("src/a")] });
      await under.store.beginRebuild(scope, "mark");
      await under.store.rebuildSession(scope, "mark", sessionId, TTL_MS);
      for (const claim of [first, beside, shared, first, beside, shared]) {
        expect(await under.store.rebuildClaim(scope, "mark", claim)).toEqual({ kind: "rebuilt" });
      }
      expect(await under.store.rebuildClaim(scope, "mark", late)).toEqual({ kind: "overlaps" });
      await under.store.finishRebuild(scope, "mark");
      const project = ProjectFixture.at(under, scope);
      expect(new Set((await project.claims()).keys())).toEqual(
        new Set([first.claimId, beside.claimId, shared.claimId]),
      );
      expect(await project.holders("b")).toEqual([]);
      await under.store.endSession(scope, sessionId, 0);
      expect(await under.leftovers(scope.projectId)).toEqual([]);
    });

    test("takes a claim before its session for the caller's mistake", async () => {
      const { store } = await create();
      const scope = { projectId: newId<"ProjectId">(), epoch: 1 };
      await store.beginRebuild(scope, "mark");
      await expect(store.rebuildClaim(scope, "mark", rebuiltClaim({}))).rejects.toThrow("before its session");
    });

    test("may be finished twice, and restores nothing afterwards", async () => {
      const { store } = await create();
      const scope = { projectId: newId<"ProjectId">(), epoch: 1 };
      await store.beginRebuild(scope, "mark");
      expect(await store.finishRebuild(scope, "mark")).toEqual({ kind: "rebuilt" });
      expect(await store.finishRebuild(scope, "mark")).toEqual({ kind: "rebuilt" });
      const claim = rebuiltClaim({});
      expect(await store.rebuildSession(scope, "mark", claim.sessionId, TTL_MS)).toEqual({ kind: "superseded" });
      expect(await store.rebuildClaim(scope, "mark", claim)).toEqual({ kind: "superseded" });
    });

    test("restores a draining claim without its session: it blocks everybody for its delay, then nobody", async () => {
      const under = await create();
      const scope = { projectId: newId<"ProjectId">(), epoch: 1 };
      await under.store.beginRebuild(scope, "mark");
      const drained = rebuiltClaim({ drainMs: 1_000 });
      expect(await under.store.rebuildClaim(scope, "mark", drained)).toEqual({ kind: "rebuilt" });
      await under.store.finishRebuild(scope, "mark");
      const project = ProjectFixture.at(under, scope);
      const session = await project.session();
      const again = { featureId: drained.featureId };
      await under.advance(999);
      expect((await project.acquire(session, ["a"])).kind).toBe("conflict");
      expect((await project.acquire(session, ["a"], again)).kind).toBe("feature-held");
      await under.advance(1);
      expect(await under.store.dueWork(scope, 10)).toMatchObject({ drainedClaims: [drained.claimId] });
      expect((await project.acquire(session, ["a"], again)).kind).toBe("granted");
    });

    test("is needed again after deleteProject, which leaves nothing", async () => {
      const project = await ProjectFixture.create(await create());
      const other = await ProjectFixture.create(project.under);
      await project.hold("a", "**/*.ts");
      const kept = await other.hold("a");
      await project.store.deleteProject(project.scope.projectId);
      await project.store.deleteProject(project.scope.projectId);
      expect(await project.leftovers()).toEqual([]);
      expect(await project.store.list(project.scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
      expect(await other.holders("a")).toEqual([kept.claimId]);
    });

    test("restores every claim of a feature that has several", async () => {
      const { store } = await create();
      const scope = { projectId: newId<"ProjectId">(), epoch: 1 };
      const later = rebuiltClaim({ fencingToken: 12n, touches: [touch("b")] });
      const first = { ...later, claimId: newId<"ClaimId">(), fencingToken: 9n, touches: [touch("a"), touch("b")] };
      await store.beginRebuild(scope, "mark");
      await store.rebuildSession(scope, "mark", first.sessionId, TTL_MS);
      for (const claim of [later, first]) {
        expect(await store.rebuildClaim(scope, "mark", claim)).toEqual({ kind: "rebuilt" });
      }
      await store.finishRebuild(scope, "mark");
      const { featureId, sessionId } = first;
      const request = { claimId: newId<"ClaimId">(), featureId, sessionId, ttlMs: TTL_MS, touches: [] };
      expect(await store.acquire(scope, request)).toMatchObject({
        kind: "feature-held",
        claim: { claimId: first.claimId },
      });
      await store.release(scope, [first.claimId]);
      expect(await store.check(scope, [pattern("b")])).toMatchObject({
        held: [{ claim: { claimId: later.claimId, fencingToken: 12n } }],
      });
    });

    test("ping resolves while the store answers", async () => {
      const { store } = await create();
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}

function rebuiltClaim(given: Partial<RebuiltClaim>): RebuiltClaim {
  return {
    claimId: newId<"ClaimId">(),
    featureId: newFeature(),
    sessionId: newId<"SessionId">(),
    fencingToken: 1n,
    acquireTime: new Date("2026-01-02T03:04:05.678Z"),
    touches: [touch("a")],
    ...given,
  };
}
