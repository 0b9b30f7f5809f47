import { describe, expect, test } from "vitest";
import { newId, ProjectFixture, type StoreFactory, TTL_MS } from "../claim-store-fixture.ts";

/** How leases begin, last and lapse. */
export function leaseContract(create: StoreFactory): void {
  describe("leases", () => {
    test("openSession starts a lease, and renews one that is alive", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = newId<"SessionId">();
      const opened = await project.store.openSession(project.scope, sessionId, TTL_MS);
      await project.advance(TTL_MS - 1);
      const renewed = await project.store.openSession(project.scope, sessionId, TTL_MS);
      if (opened.kind !== "alive" || renewed.kind !== "alive") throw new Error("not alive");
      expect(renewed.expireTime.getTime() - opened.expireTime.getTime()).toBe(TTL_MS - 1);
      expect(opened.claims).toEqual([]);
    });

    test("openSession and heartbeat answer what the session holds, and nothing else", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.hold("b");
      const provisional = await project.grant(held.sessionId, ["c"]);
      for (const verb of ["openSession", "heartbeat"] as const) {
        const answer = await project.store[verb](project.scope, held.sessionId, TTL_MS);
        if (answer.kind !== "alive") throw new Error(answer.kind);
        const states = new Map(answer.claims.map((claim) => [claim.claimId, claim.state]));
        expect(states).toEqual(
          new Map([
            [held.claimId, "held"],
            [provisional.claimId, "provisional"],
          ]),
        );
        expect(answer.claims.map((claim) => claim.expireTime)).toEqual([answer.expireTime, answer.expireTime]);
      }
    });

    test("a session that heartbeats in time lives on, and lapses at the end of its ttl", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      for (let i = 0; i < 3; i++) {
        await project.advance(TTL_MS - 1);
        expect((await project.store.heartbeat(project.scope, sessionId, TTL_MS)).kind).toBe("alive");
      }
      await project.advance(TTL_MS);
      expect(await project.store.heartbeat(project.scope, sessionId, TTL_MS)).toEqual({ kind: "session-expired" });
    });

    test("a lapsed session stays lapsed", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      const end = await project.leaseEnd(sessionId);
      await project.advance(TTL_MS);
      for (const verb of ["openSession", "heartbeat", "openSession"] as const) {
        expect(await project.store[verb](project.scope, sessionId, TTL_MS)).toEqual({ kind: "session-expired" });
      }
      expect(await project.leaseEnd(sessionId)).toBe(end);
    });

    test("a heartbeat of an unknown or ended session creates nothing", async () => {
      const project = await ProjectFixture.create(await create());
      const ended = await project.session();
      await project.store.endSession(project.scope, ended, 0);
      for (const sessionId of [ended, newId<"SessionId">()]) {
        expect(await project.store.heartbeat(project.scope, sessionId, TTL_MS)).toEqual({ kind: "session-expired" });
      }
      expect(await project.leftovers()).toEqual([]);
    });

    test("no renewal takes back what an answer has promised", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session(TTL_MS);
      const end = await project.leaseEnd(sessionId);
      await project.store.heartbeat(project.scope, sessionId, 1_000);
      await project.store.openSession(project.scope, sessionId, 1_000);
      const granted = await project.grant(sessionId, ["a"], { ttlMs: 1_000 });
      expect(await project.leaseEnd(sessionId)).toBe(end);
      expect(granted.expireTime.getTime()).toBe(end);
    });

    test("a heartbeat prolongs every claim of the session", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.advance(1_000);
      await project.store.heartbeat(project.scope, held.sessionId, TTL_MS);
      const claim = (await project.claims()).get(held.claimId);
      expect(claim?.expireTime.getTime()).toBe(held.expireTime.getTime() + 1_000);
    });

    test("listLeases tells every lease, lapsed ones included", async () => {
      const project = await ProjectFixture.create(await create());
      const short = await project.session(1_000);
      const long = await project.session(5_000);
      const ended = await project.session(5_000);
      await project.store.endSession(project.scope, ended, 0);
      await project.advance(1_000);
      const listed = await project.store.listLeases(project.scope);
      if (listed.kind !== "listed") throw new Error(listed.kind);
      expect(listed.leases.map(({ sessionId, expired }) => [sessionId, expired])).toEqual([
        [short, true],
        [long, false],
      ]);
      const [first, second] = listed.leases;
      expect(Number(second?.expireTime) - Number(first?.expireTime)).toBe(4_000);
    });

    test("ends by time that passed with ticks, and not by a clock that ran on without them", async () => {
      const project = await ProjectFixture.create(await create({ maxTickGapMs: 15_000 }));
      const [watched, jumped] = [await project.session(30_000), await project.session(60_000)];
      for (let tick = 0; tick < 3; tick++) {
        await project.advance(10_000);
        const due = await project.store.dueWork(project.scope, 10);
        expect(due).toMatchObject({ kind: "due", expiredSessions: tick < 2 ? [] : [watched] });
      }
      await project.store.endSession(project.scope, watched, 0);

      await project.advance(3_600_000);

      expect((await project.store.heartbeat(project.scope, jumped, 60_000)).kind).toBe("alive");
      const epoch = project.scope.epoch;
      expect(await project.store.dueWork(project.scope, 10)).toEqual({ kind: "recovering", storeEpoch: epoch });
      expect((await project.acquire(jumped, ["a"])).kind).toBe("granted");
    });

    test("is not needed for a project to sleep: where nothing runs by time, the next tick goes on", async () => {
      const project = await ProjectFixture.create(await create({ maxTickGapMs: 15_000 }));
      await project.advance(3_600_000);
      expect((await project.store.dueWork(project.scope, 10)).kind).toBe("due");
      const session = await project.session(30_000);
      await project.advance(15_000);
      expect((await project.store.dueWork(project.scope, 10)).kind).toBe("due");
      await project.advance(15_000);
      expect(await project.store.dueWork(project.scope, 10)).toMatchObject({ expiredSessions: [session] });
    });
  });
}
