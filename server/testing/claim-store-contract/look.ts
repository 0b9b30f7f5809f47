import { describe, expect, test } from "vitest";
import { PROVISIONAL_DEADLINE_MS } from "../../domain/claims/claim-store.ts";
import { LOCK_DELAY_MS, ProjectFixture, pattern, type StoreFactory, TTL_MS, touch } from "../claim-store-fixture.ts";

/** What can be seen without changing anything. */
export function lookContract(create: StoreFactory): void {
  describe("check", () => {
    test("names every live claim that overlaps a touch, whatever the modes", async () => {
      const project = await ProjectFixture.create(await create());
      const exclusive = await project.hold("src/**/a.ts");
      const shared = [await project.hold(touch("lib", "shared")), await project.hold(touch("lib/x", "shared"))];
      const checked = await project.store.check(project.scope, [
        pattern("docs"),
        pattern("src/a.ts"),
        pattern("lib/x"),
      ]);
      if (checked.kind !== "checked") throw new Error(checked.kind);
      const pairs = checked.held.map(({ touch, heldPath, heldMode, claim }) => [
        touch,
        heldPath,
        heldMode,
        claim.claimId,
      ]);
      expect(pairs[0]).toEqual([1, "src/**/a.ts", "exclusive", exclusive.claimId]);
      expect(new Set(pairs.slice(1))).toEqual(
        new Set([
          [2, "lib", "shared", shared[0]?.claimId],
          [2, "lib/x", "shared", shared[1]?.claimId],
        ]),
      );
    });

    test("changes nothing and needs no session", async () => {
      const project = await ProjectFixture.create(await create());
      const checked = await project.store.check(project.scope, [pattern("a")]);
      expect(checked).toEqual({ kind: "checked", held: [] });
      expect(await project.leftovers()).toEqual([]);
    });

    test("names at most 64 claims for each touch", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      for (let i = 0; i < 70; i++) {
        await project.grant(sessionId, [`src/${i}.ts`]);
      }
      const checked = await project.store.check(project.scope, [pattern("src"), pattern("src/*.ts")]);
      if (checked.kind !== "checked") throw new Error(checked.kind);
      const touches = checked.held.map(({ touch }) => touch);
      expect(touches.filter((each) => each === 0)).toHaveLength(64);
      expect(touches.filter((each) => each === 1)).toHaveLength(64);
    });

    test("answers too-broad beyond its budget", async () => {
      const project = await ProjectFixture.create(await create({ maxCandidates: 20 }));
      const sessionId = await project.session();
      for (let i = 0; i < 21; i++) {
        await project.grant(sessionId, [`src/x${i}-*`]);
      }
      const checked = await project.store.check(project.scope, [pattern("docs"), pattern("src/y*")]);
      expect(checked).toEqual({ kind: "too-broad", touch: 1 });
    });

    test("passes over draining claims whose time has passed", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.store.endSession(project.scope, held.sessionId, LOCK_DELAY_MS);
      await project.advance(LOCK_DELAY_MS - 1);
      expect(await project.holders("a")).toEqual([held.claimId]);
      await project.advance(1);
      expect(await project.holders("a")).toEqual([]);
    });
  });

  describe("list", () => {
    test("tells every claim of the project with its touches, or those of one session", async () => {
      const project = await ProjectFixture.create(await create());
      const first = await project.hold("src/A.ts", touch("package-lock.json", "shared"));
      const second = await project.hold("docs/**");
      const all = await project.store.list(project.scope);
      const one = await project.store.list(project.scope, first.sessionId);
      if (all.kind !== "listed" || one.kind !== "listed") throw new Error("not listed");
      expect(new Set(all.claims.map((claim) => claim.claimId))).toEqual(new Set([first.claimId, second.claimId]));
      expect(one.claims).toHaveLength(1);
      expect(one.claims[0]).toMatchObject({
        claimId: first.claimId,
        touches: [
          { path: "src/A.ts", mode: "exclusive" },
          { path: "package-lock.json", mode: "shared" },
        ],
      });
    });

    test("is complete however many there are", async () => {
      const project = await ProjectFixture.create(await create());
      const sessions = [await project.session(), await project.session()] as const;
      const ids = new Set<string>();
      for (let i = 0; i < 140; i++) {
        ids.add((await project.grant(i % 2 === 0 ? sessions[0] : sessions[1], [`${i}`])).claimId);
      }
      const listed = await project.store.list(project.scope);
      expect(listed.kind === "listed" && listed.claims).toHaveLength(140);
      expect(new Set((await project.claims()).keys())).toEqual(ids);
      expect((await project.claims(sessions[1])).size).toBe(70);
    });

    test("passes over draining claims whose time has passed", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.store.endSession(project.scope, held.sessionId, LOCK_DELAY_MS);
      await project.advance(LOCK_DELAY_MS);
      expect((await project.claims()).size).toBe(0);
    });
  });

  describe("dueWork", () => {
    test("names what is due, from its very millisecond on, and nothing else", async () => {
      const project = await ProjectFixture.create(await create());
      const lapsing = await project.session(PROVISIONAL_DEADLINE_MS);
      const overdue = await project.grant(await project.session(), ["a"]);
      const draining = await project.hold("b");
      await project.hold("c");
      await project.store.endSession(project.scope, draining.sessionId, PROVISIONAL_DEADLINE_MS);

      await project.advance(PROVISIONAL_DEADLINE_MS - 1);
      const before = await project.store.dueWork(project.scope, 10);
      await project.advance(1);
      const after = await project.store.dueWork(project.scope, 10);

      expect(before).toEqual({ kind: "due", expiredSessions: [], overdueClaims: [], drainedClaims: [] });
      expect(after).toEqual({
        kind: "due",
        expiredSessions: [lapsing],
        overdueClaims: [expect.objectContaining({ claimId: overdue.claimId, overdue: true, state: "provisional" })],
        drainedClaims: [draining.claimId],
      });
    });

    test("names at most so many of each kind, the longest due first", async () => {
      const project = await ProjectFixture.create(await create());
      const overdue = [];
      const draining = [];
      for (let i = 0; i < 3; i++) {
        const ended = await project.hold(`a${i}`);
        await project.store.endSession(project.scope, ended.sessionId, LOCK_DELAY_MS);
        draining.push(ended);
        overdue.push(await project.grant(await project.session(), [`b${i}`]));
        await project.advance(1);
      }
      await project.advance(TTL_MS);
      const due = await project.store.dueWork(project.scope, 2);
      expect(due).toMatchObject({
        expiredSessions: overdue.slice(0, 2).map((claim) => claim.sessionId),
        overdueClaims: overdue.slice(0, 2).map(({ claimId }) => ({ claimId })),
        drainedClaims: draining.slice(0, 2).map((claim) => claim.claimId),
      });
    });

    test("forgets what was looked after", async () => {
      const project = await ProjectFixture.create(await create());
      const confirmed = await project.hold("a");
      const ended = await project.grant(await project.session(), ["b"]);
      await project.store.endSession(project.scope, ended.sessionId, LOCK_DELAY_MS);
      await project.advance(TTL_MS);
      await project.release(ended);
      await project.store.endSession(project.scope, confirmed.sessionId, 0);
      const due = await project.store.dueWork(project.scope, 10);
      expect(due).toEqual({ kind: "due", expiredSessions: [], overdueClaims: [], drainedClaims: [] });
    });
  });
}
