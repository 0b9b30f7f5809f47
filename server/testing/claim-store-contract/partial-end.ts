import { describe, expect, test } from "vitest";
import { LOCK_DELAY_MS, newId, ProjectFixture, type StoreFactory, TTL_MS, touch } from "../claim-store-fixture.ts";

/** How some of a claim, or of a session's claims, ends while the rest lives on. */
export function partialEndContract(create: StoreFactory): void {
  describe("retainTouches", () => {
    test("frees the touches that are not named, by text and mode, and keeps the others", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("src/A.ts", "src/b.ts", "docs/{c,d}/**", touch("lock", "shared"), touch("lock"));
      const stays = [touch("src/A.ts"), touch("docs/{c,d}/**"), touch("lock", "shared"), touch("never/held")];

      for (let i = 0; i < 2; i++) {
        expect(await project.store.retainTouches(project.scope, held.claimId, stays)).toEqual({ kind: "retained" });
      }

      const listed = await project.store.list(project.scope);
      expect(listed).toMatchObject({
        claims: [
          {
            state: "held",
            fencingToken: held.fencingToken,
            touches: [
              { path: "src/A.ts", mode: "exclusive" },
              { path: "docs/{c,d}/**", mode: "exclusive" },
              { path: "lock", mode: "shared" },
            ],
          },
        ],
      });
      expect(await project.holders("src/a.ts")).toEqual([held.claimId]);
      expect(await project.holders("docs/d/x")).toEqual([held.claimId]);
      expect(await project.holders("never/held")).toEqual([]);
      await project.grant(await project.session(), ["src/b.ts", touch("lock", "shared")]);
      await project.release(held);
      await project.hold("src/a.ts", "docs");
    });

    test("leaves the claim alive without a touch, and nothing in the index", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a", "a", "b/*.ts", "{c,d}/e");
      await project.store.retainTouches(project.scope, held.claimId, []);
      expect(await project.store.list(project.scope)).toMatchObject({ claims: [{ state: "held", touches: [] }] });
      const refused = await project.acquire(held.sessionId, [], { featureId: held.featureId });
      expect(refused).toMatchObject({ kind: "feature-held", claim: { claimId: held.claimId } });
      await project.release(held);
      await project.store.endSession(project.scope, held.sessionId, 0);
      expect(await project.leftovers()).toEqual([]);
    });

    test("leaves the same touches of other claims alone", async () => {
      const project = await ProjectFixture.create(await create());
      const [first, second] = [await project.hold(touch("a", "shared")), await project.hold(touch("a", "shared"))];
      await project.store.retainTouches(project.scope, first.claimId, []);
      expect(await project.holders("a")).toEqual([second.claimId]);
    });

    test("passes over a claim that the store does not know, and adds nothing", async () => {
      const project = await ProjectFixture.create(await create());
      const answer = await project.store.retainTouches(project.scope, newId<"ClaimId">(), [touch("a")]);
      expect(answer).toEqual({ kind: "retained" });
      expect(await project.leftovers()).toEqual([]);
    });
  });

  describe("drain", () => {
    test("leaves claims draining for the lock-delay, whatever their state; their session lives on", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      const provisional = await project.grant(held.sessionId, ["b"]);
      const other = await project.grant(held.sessionId, ["c"]);
      const ids = [held.claimId, newId<"ClaimId">(), provisional.claimId];
      const answer = await project.store.drain(project.scope, ids, LOCK_DELAY_MS);
      expect(answer).toEqual({ kind: "drained", unknown: [ids[1]] });

      const claims = await project.claims(held.sessionId);
      const draining = {
        state: "draining",
        expireTime: new Date(held.acquireTime.getTime() + LOCK_DELAY_MS),
        sessionExpired: false,
        overdue: false,
      };
      expect(claims.get(held.claimId)).toMatchObject(draining);
      expect(claims.get(provisional.claimId)).toMatchObject(draining);
      expect(claims.get(other.claimId)?.state).toBe("provisional");
      expect((await project.store.heartbeat(project.scope, held.sessionId, TTL_MS)).kind).toBe("alive");
      expect((await project.acquire(held.sessionId, ["a"])).kind).toBe("conflict");
      await project.advance(LOCK_DELAY_MS);
      await project.grant(held.sessionId, ["a", "b"]);
      expect(await project.store.dueWork(project.scope, 10)).toMatchObject({
        drainedClaims: expect.arrayContaining([held.claimId, provisional.claimId]),
        overdueClaims: [{ claimId: other.claimId }],
      });
    });

    test("takes the claim from its holder, who is told gone and not that the session expired", async () => {
      const project = await ProjectFixture.create(await create());
      const granted = await project.grant(await project.session(), ["a"]);
      await project.store.drain(project.scope, [granted.claimId], LOCK_DELAY_MS);
      expect(await project.store.confirm(project.scope, granted.claimId)).toEqual({ kind: "gone" });
      expect((await project.claims()).get(granted.claimId)?.state).toBe("draining");
    });

    test("keeps the time of what drains already, whether it would end later or sooner", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      const ends = new Date(held.acquireTime.getTime() + LOCK_DELAY_MS);
      await project.store.drain(project.scope, [held.claimId], LOCK_DELAY_MS);
      await project.advance(1_000);
      for (const drainMs of [LOCK_DELAY_MS, 1_000]) {
        await project.store.drain(project.scope, [held.claimId], drainMs);
        expect((await project.claims()).get(held.claimId)?.expireTime).toEqual(ends);
      }
    });

    test("without a lock-delay frees at once, also what drains already", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.store.drain(project.scope, [held.claimId], LOCK_DELAY_MS);
      const other = await project.grant(held.sessionId, ["b"]);
      await project.store.drain(project.scope, [held.claimId, other.claimId], 0);
      await project.store.endSession(project.scope, held.sessionId, 0);
      expect(await project.leftovers()).toEqual([]);
    });
  });
}
