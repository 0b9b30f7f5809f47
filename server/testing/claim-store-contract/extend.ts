import { describe, expect, test } from "vitest";
import {
  LOCK_DELAY_MS,
  newFeature,
  newId,
  ProjectFixture,
  type StoreFactory,
  TTL_MS,
  touch,
} from "../claim-store-fixture.ts";

/** How a session gets more paths for the feature that it holds. */
export function extendContract(create: StoreFactory): void {
  describe("acquire alongside a claim", () => {
    test("grants a further claim of the feature, with a greater token, provisionally", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.hold("a");
      const claimId = newId<"ClaimId">();

      const outcome = await project.extend(pick, ["b"], { claimId });

      if (outcome.kind !== "granted") throw new Error(outcome.kind);
      expect(outcome.fencingToken).toBeGreaterThan(pick.fencingToken);
      expect((await project.claims()).get(claimId)).toMatchObject({
        state: "provisional",
        featureId: pick.featureId,
        sessionId: pick.sessionId,
      });
      expect(await project.store.confirm(project.scope, claimId)).toMatchObject({ kind: "confirmed" });
      expect((await project.claims(pick.sessionId)).size).toBe(2);
    });

    test("stands beside an unconfirmed claim, too", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.grant(await project.session(), ["a"]);
      expect((await project.extend(pick, ["b"])).kind).toBe("granted");
    });

    test("is not hindered by what the session holds for the feature, however often it was extended", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.hold("src/a.ts", touch("lib", "shared"));
      await project.grantBeside(pick, ["src/*.ts"]);
      await project.grantBeside(pick, ["src", "lib/**"]);
      expect(await project.holders("src/a.ts")).toHaveLength(3);
    });

    test("is refused by what others hold, and by another feature's claim of the same session", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.hold("a");
      const other = await project.hold("b");
      const beside = await project.grant(pick.sessionId, ["c"]);
      expect(await project.extend(pick, ["a/x", "b/x", "c/x"])).toMatchObject({
        kind: "conflict",
        blocked: [
          { touch: 1, heldPath: "b", heldMode: "exclusive", claim: { claimId: other.claimId } },
          { touch: 2, heldPath: "c", heldMode: "exclusive", claim: { claimId: beside.claimId } },
        ],
      });
    });

    test("is refused by a draining claim of its own feature", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.hold("a");
      const taken = await project.grantBeside(pick, ["b"]);
      await project.store.drain(project.scope, [taken.claimId], LOCK_DELAY_MS);
      expect(await project.extend(pick, ["b"])).toMatchObject({
        kind: "conflict",
        blocked: [{ claim: { claimId: taken.claimId, state: "draining" } }],
      });
    });

    test("answers claim-gone unless the claim is live, not draining, and of that session and feature", async () => {
      const project = await ProjectFixture.create(await create());
      const [released, drained, strange] = [await project.hold("a"), await project.hold("b"), await project.hold("c")];
      await project.release(released);
      await project.store.drain(project.scope, [drained.claimId], LOCK_DELAY_MS);
      const refused = [
        await project.extend(released, ["d"]),
        await project.extend(drained, ["d"]),
        await project.extend(strange, ["d"], { sessionId: await project.session() }),
        await project.extend(strange, ["d"], { featureId: newFeature() }),
        await project.extend(strange, ["d"], { alongside: newId<"ClaimId">() }),
      ];
      expect(refused).toEqual(refused.map(() => ({ kind: "claim-gone" })));
      expect(await project.holders("d")).toEqual([]);
    });

    test("renews the lease with claim-gone, and looks at the lease first", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.hold("a");
      const end = (await project.leaseEnd(pick.sessionId)) ?? 0;
      await project.release(pick);
      await project.advance(1_000);
      expect(await project.extend(pick, ["b"])).toEqual({ kind: "claim-gone" });
      expect(await project.leaseEnd(pick.sessionId)).toBe(end + 1_000);
      await project.advance(TTL_MS);
      expect(await project.extend(pick, ["b"])).toEqual({ kind: "session-expired" });
    });

    test("does not grant a claim id twice", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.hold("a");
      const more = await project.grantBeside(pick, ["b"]);
      expect(await project.extend(pick, ["c"], { claimId: more.claimId })).toMatchObject({
        kind: "feature-held",
        claim: { claimId: more.claimId },
      });
      expect(await project.holders("c")).toEqual([]);
    });

    test("lives on when the claim that it stands beside ends, and keeps the feature held", async () => {
      const project = await ProjectFixture.create(await create());
      const pick = await project.hold("a");
      const more = await project.grantBeside(pick, ["b"]);
      const { featureId } = pick;
      expect(await project.acquire(await project.session(), [], { featureId })).toMatchObject({
        kind: "feature-held",
        claim: { claimId: pick.claimId },
      });
      await project.release(pick);
      expect(await project.holders("b")).toEqual([more.claimId]);
      expect(await project.acquire(await project.session(), [], { featureId })).toMatchObject({
        kind: "feature-held",
        claim: { claimId: more.claimId },
      });
      await project.release(more);
      await project.grant(await project.session(), ["a", "b"], { featureId });
    });
  });
}
