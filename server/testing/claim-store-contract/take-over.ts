import { describe, expect, test } from "vitest";
import { LOCK_DELAY_MS, newFeature, newId, ProjectFixture, type StoreFactory, TTL_MS } from "../claim-store-fixture.ts";

/** How a claim takes the place of others of its feature. */
export function takeOverContract(create: StoreFactory): void {
  describe("acquire that replaces claims", () => {
    test("is granted over them, which live on and block everybody else until it is confirmed", async () => {
      const project = await ProjectFixture.create(await create());
      const old = await project.hold("a", "b");
      const more = await project.grantBeside(old, ["c"]);
      const replaces = [old.claimId, more.claimId];
      const { featureId } = old;

      const next = await project.grant(await project.session(), ["a", "c/d"], { featureId, replaces });

      expect((await project.claims()).size).toBe(3);
      expect((await project.acquire(await project.session(), ["b"])).kind).toBe("conflict");
      expect(await project.store.confirm(project.scope, next.claimId, replaces)).toMatchObject({
        kind: "confirmed",
        claim: { claimId: next.claimId, state: "held" },
      });
      expect([...(await project.claims()).keys()]).toEqual([next.claimId]);
      await project.grant(await project.session(), ["b", "c/e"]);
    });

    test("is refused by a claim of the feature that it does not name", async () => {
      const project = await ProjectFixture.create(await create());
      const old = await project.hold("a");
      const more = await project.grantBeside(old, ["b"]);
      const { featureId } = old;
      const refused = await project.acquire(await project.session(), ["a"], { featureId, replaces: [old.claimId] });
      expect(refused).toMatchObject({ kind: "feature-held", claim: { claimId: more.claimId } });
    });

    test("does not pass over claims of other features, and frees none of them", async () => {
      const project = await ProjectFixture.create(await create());
      const other = await project.hold("a");
      const replaces = [other.claimId];
      const sessionId = await project.session();
      expect(await project.acquire(sessionId, ["a"], { featureId: newFeature(), replaces })).toMatchObject({
        kind: "conflict",
        blocked: [{ claim: { claimId: other.claimId } }],
      });
      const next = await project.grant(sessionId, ["b"], { replaces });
      expect((await project.store.confirm(project.scope, next.claimId, replaces)).kind).toBe("confirmed");
      expect(await project.holders("a")).toEqual([other.claimId]);
    });

    test("passes over draining claims, too", async () => {
      const project = await ProjectFixture.create(await create());
      const old = await project.hold("a");
      await project.store.drain(project.scope, [old.claimId], LOCK_DELAY_MS);
      const { featureId } = old;
      await project.grant(await project.session(), ["a"], { featureId, replaces: [old.claimId] });
    });
  });

  describe("confirm that replaces claims", () => {
    test("frees nothing when the claim can't be confirmed", async () => {
      const project = await ProjectFixture.create(await create());
      const old = await project.hold("a");
      const replaces = [old.claimId];
      const { featureId } = old;
      const confirm = (claimId: typeof old.claimId) => project.store.confirm(project.scope, claimId, replaces);
      const lapsing = await project.grant(await project.session(1_000), ["a"], { featureId, replaces, ttlMs: 1_000 });
      await project.store.heartbeat(project.scope, old.sessionId, 2 * TTL_MS);
      await project.advance(1_000);

      expect(await confirm(newId<"ClaimId">())).toEqual({ kind: "gone" });
      expect(await confirm(lapsing.claimId)).toEqual({ kind: "session-expired" });
      await project.store.drain(project.scope, [lapsing.claimId], LOCK_DELAY_MS);
      expect(await confirm(lapsing.claimId)).toEqual({ kind: "session-expired" });

      expect(await project.holders("a")).toContain(old.claimId);
      expect((await project.claims()).get(old.claimId)?.state).toBe("held");
    });

    test("may be repeated, passes over the unknown, and never frees the claim itself", async () => {
      const project = await ProjectFixture.create(await create());
      const old = await project.hold("a");
      const { featureId } = old;
      const replaces = [newId<"ClaimId">(), old.claimId];
      const next = await project.grant(await project.session(), ["a"], { featureId, replaces });
      for (let i = 0; i < 2; i++) {
        const answer = await project.store.confirm(project.scope, next.claimId, [...replaces, next.claimId]);
        expect(answer.kind).toBe("confirmed");
      }
      expect(await project.holders("a")).toEqual([next.claimId]);
    });

    test("frees what a first confirmation without them has left", async () => {
      const project = await ProjectFixture.create(await create());
      const old = await project.hold("a");
      const { featureId } = old;
      const replaces = [old.claimId];
      const next = await project.grant(await project.session(), ["a"], { featureId, replaces });
      await project.store.confirm(project.scope, next.claimId);
      expect(await project.holders("a")).toHaveLength(2);
      await project.store.confirm(project.scope, next.claimId, replaces);
      expect(await project.holders("a")).toEqual([next.claimId]);
    });
  });
}
