import { describe, expect, test } from "vitest";
import { LOCK_DELAY_MS, newId, ProjectFixture, type StoreFactory, TTL_MS } from "../claim-store-fixture.ts";

/** How a claim is confirmed, freed, and drained. */
export function endOfClaimContract(create: StoreFactory): void {
  describe("confirm", () => {
    test("makes a provisional claim held, and leaves a held one as it is", async () => {
      const project = await ProjectFixture.create(await create());
      const granted = await project.grant(await project.session(), ["a"]);
      const first = await project.store.confirm(project.scope, granted.claimId);
      const second = await project.store.confirm(project.scope, granted.claimId);
      expect(first).toMatchObject({
        kind: "confirmed",
        claim: { claimId: granted.claimId, state: "held", fencingToken: granted.fencingToken, overdue: false },
      });
      expect(second).toEqual(first);
      expect((await project.claims()).get(granted.claimId)?.state).toBe("held");
    });

    test("confirms past the deadline, too", async () => {
      const project = await ProjectFixture.create(await create());
      const granted = await project.grant(await project.session(), ["a"]);
      await project.advance(TTL_MS - 1);
      expect((await project.store.confirm(project.scope, granted.claimId)).kind).toBe("confirmed");
    });

    test("answers session-expired for a lapsed session and leaves the claim as it was", async () => {
      const project = await ProjectFixture.create(await create());
      const granted = await project.grant(await project.session(), ["a"]);
      const held = await project.hold("b");
      await project.advance(TTL_MS);
      expect(await project.store.confirm(project.scope, granted.claimId)).toEqual({ kind: "session-expired" });
      expect(await project.store.confirm(project.scope, held.claimId)).toEqual({ kind: "session-expired" });
      expect((await project.claims()).get(granted.claimId)?.state).toBe("provisional");
      expect((await project.claims()).get(held.claimId)?.state).toBe("held");
    });

    test("does not bring a draining claim back, also when its session was opened anew", async () => {
      const project = await ProjectFixture.create(await create());
      const granted = await project.grant(await project.session(), ["a"]);
      await project.store.endSession(project.scope, granted.sessionId, LOCK_DELAY_MS);
      expect(await project.store.confirm(project.scope, granted.claimId)).toEqual({ kind: "session-expired" });
      await project.store.openSession(project.scope, granted.sessionId, TTL_MS);
      expect(await project.store.confirm(project.scope, granted.claimId)).toEqual({ kind: "gone" });
      expect((await project.claims()).get(granted.claimId)?.state).toBe("draining");
    });

    test("answers gone for a claim that the store does not have", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.release(held);
      expect(await project.store.confirm(project.scope, held.claimId)).toEqual({ kind: "gone" });
    });
  });

  describe("release", () => {
    test("frees claims whatever their state, passes over others, and may be repeated", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      const provisional = await project.grant(await project.session(), ["b"]);
      const draining = await project.hold("c");
      await project.store.endSession(project.scope, draining.sessionId, LOCK_DELAY_MS);
      const other = await project.hold("d");

      for (let i = 0; i < 2; i++) {
        const released = await project.release(held, { claimId: newId<"ClaimId">() }, provisional, draining);
        expect(released).toEqual({ kind: "released" });
      }

      expect([...(await project.claims()).keys()]).toEqual([other.claimId]);
      await project.grant(await project.session(), ["a", "b", "c"], { featureId: held.featureId });
    });

    test("of a drained claim leaves its feature's next claim alone", async () => {
      const project = await ProjectFixture.create(await create());
      const old = await project.hold("a");
      await project.store.endSession(project.scope, old.sessionId, LOCK_DELAY_MS);
      await project.advance(LOCK_DELAY_MS);
      const next = await project.grant(await project.session(), ["a"], { featureId: old.featureId });

      await project.release(old);

      expect(await project.holders("a")).toEqual([next.claimId]);
      const refused = await project.acquire(next.sessionId, [], { featureId: old.featureId });
      expect(refused).toMatchObject({ kind: "feature-held", claim: { claimId: next.claimId } });
    });

    test("leaves nothing of a claim behind, however odd its touches", async () => {
      const project = await ProjectFixture.create(await create());
      const odd = [
        "a",
        "A",
        "a/b",
        "a/{b,c/d}.ts",
        "**",
        "**/*.test.ts",
        "日本/*.語",
        "x/{*,**}/y?",
        "glob:z/[!a-c]\\*",
        "app/[...slug]/page.tsx",
        'it\'s/"quoted"',
        "%1/%s",
        "back`tick$",
      ];
      const held = await project.hold(...odd, ...odd);
      await project.release(held);
      await project.store.endSession(project.scope, held.sessionId, 0);
      expect(await project.leftovers()).toEqual([]);
    });
  });

  describe("endSession", () => {
    test("without a lock-delay frees all that the session holds, and ends its lease", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.grant(held.sessionId, ["b"]);
      for (let i = 0; i < 2; i++) {
        expect(await project.store.endSession(project.scope, held.sessionId, 0)).toEqual({ kind: "ended" });
      }
      expect(await project.leftovers()).toEqual([]);
    });

    test("frees the claims that are named at once, and leaves the others draining", async () => {
      const project = await ProjectFixture.create(await create());
      const [held, foreign] = [await project.hold("a"), await project.hold("c")];
      const other = await project.grant(held.sessionId, ["b"]);
      const { scope, store } = project;
      const free = [held.claimId, foreign.claimId];
      expect(await store.endSession(scope, held.sessionId, LOCK_DELAY_MS, free)).toEqual({ kind: "ended" });

      const claims = await project.claims();
      expect([...claims.keys()].sort()).toEqual([other.claimId, foreign.claimId].sort());
      expect(claims.get(other.claimId)?.state).toBe("draining");
      expect(claims.get(foreign.claimId)?.state).toBe("held");
      expect(await project.leaseEnd(held.sessionId)).toBeUndefined();
    });

    test("frees every claim of a feature that has several", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.hold("a");
      await project.grantBeside(pick, ["b"]);
      await project.extend(pick, ["c"]);
      await project.store.endSession(project.scope, pick.sessionId, 0);
      expect(await project.leftovers()).toEqual([]);
    });

    test("with a lock-delay leaves the claims draining; repeating it prolongs nothing", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      const provisional = await project.grant(held.sessionId, ["b"]);
      await project.store.endSession(project.scope, held.sessionId, LOCK_DELAY_MS);
      await project.advance(1_000);
      await project.store.endSession(project.scope, held.sessionId, LOCK_DELAY_MS);

      const claims = await project.claims(held.sessionId);
      const ends = new Date(held.acquireTime.getTime() + LOCK_DELAY_MS);
      const draining = { state: "draining", expireTime: ends, sessionExpired: false, overdue: false };
      expect(claims.get(held.claimId)).toMatchObject(draining);
      expect(claims.get(provisional.claimId)).toMatchObject(draining);
      expect(await project.leaseEnd(held.sessionId)).toBeUndefined();
    });

    test("without a lock-delay frees what drains already", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.store.endSession(project.scope, held.sessionId, LOCK_DELAY_MS);
      await project.store.endSession(project.scope, held.sessionId, 0);
      expect(await project.leftovers()).toEqual([]);
    });

    test("works for a lapsed session and passes over an unknown one", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.advance(TTL_MS);
      expect(await project.store.endSession(project.scope, newId<"SessionId">(), 0)).toEqual({ kind: "ended" });
      expect(await project.store.endSession(project.scope, held.sessionId, LOCK_DELAY_MS)).toEqual({ kind: "ended" });
      expect((await project.claims()).get(held.claimId)?.state).toBe("draining");
    });
  });
}
