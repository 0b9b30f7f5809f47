import { describe, expect, test } from "vitest";
import { MAX_ALTERNATIVES_PER_CLAIM, PROVISIONAL_DEADLINE_MS } from "../../domain/claims/claim-store.ts";
import {
  LOCK_DELAY_MS,
  newFeature,
  newId,
  ProjectFixture,
  type StoreFactory,
  TTL_MS,
  touch,
} from "../claim-store-fixture.ts";

/** Who gets a claim, who is refused, and what each is told. */
export function acquireContract(create: StoreFactory): void {
  describe("acquire", () => {
    test("grants what is free, provisionally, and tells token and times", async () => {
      const project = await ProjectFixture.create(await create(), 7);
      const sessionId = await project.session();

      const granted = await project.grant(sessionId, ["src/a.ts"]);

      expect(granted.fencingToken).toBe(7n * 2n ** 32n + 1n);
      expect(granted.expireTime.getTime()).toBe(granted.acquireTime.getTime() + TTL_MS);
      expect((await project.claims()).get(granted.claimId)).toEqual({
        claimId: granted.claimId,
        featureId: granted.featureId,
        sessionId,
        fencingToken: granted.fencingToken,
        state: "provisional",
        acquireTime: granted.acquireTime,
        expireTime: granted.expireTime,
        sessionExpired: false,
        overdue: false,
        touches: [{ path: "src/a.ts", mode: "exclusive" }],
      });
    });

    test("gives each grant a greater token", async () => {
      const project = await ProjectFixture.create(await create());
      const first = await project.hold("a");
      await project.release(first);
      const second = await project.hold("a");
      const third = await project.hold("b");
      expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
      expect(third.fencingToken).toBeGreaterThan(second.fencingToken);
    });

    test("keeps tokens exact at the highest epoch", async () => {
      const epoch = 2 ** 21 - 1;
      const project = await ProjectFixture.create(await create(), epoch);
      await project.hold("a");
      const second = await project.hold("b");
      expect(second.fencingToken).toBe(BigInt(epoch) * 2n ** 32n + 2n);
      expect((await project.claims()).get(second.claimId)?.fencingToken).toBe(second.fencingToken);
    });

    test("refuses all when one touch is held, and leaves every other free", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("src/B.ts");

      const refused = await project.acquire(await project.session(), ["src/a.ts", "src/b.ts"]);

      expect(refused).toEqual({
        kind: "conflict",
        blocked: [
          {
            touch: 1,
            heldPath: "src/B.ts",
            heldMode: "exclusive",
            claim: expect.objectContaining({ claimId: held.claimId }),
          },
        ],
      });
      expect(await project.holders("src/a.ts")).toEqual([]);
      expect([...(await project.claims()).keys()]).toEqual([held.claimId]);
    });

    test("names each pair of touch and claim once", async () => {
      const project = await ProjectFixture.create(await create());
      const wide = await project.hold("src/a.ts", "src/b.ts", "lib/{c,d}.ts");
      const other = await project.hold("src/e.ts");

      const refused = await project.acquire(await project.session(), ["src", "{src,lib}/**", "docs"]);

      if (refused.kind !== "conflict") throw new Error(refused.kind);
      const pairs = refused.blocked.map(({ touch, claim }) => [touch, claim.claimId]);
      expect(pairs).toHaveLength(4);
      expect(pairs).toEqual(
        expect.arrayContaining([
          [0, wide.claimId],
          [0, other.claimId],
          [1, wide.claimId],
          [1, other.claimId],
        ]),
      );
    });

    test("names at most 64 pairs of all touches together", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      for (let i = 0; i < 70; i++) {
        await project.grant(sessionId, [`src/${i}.ts`, `lib/${i}.ts`]);
      }
      const each = Array.from({ length: 70 }, (_, i) => `src/${i}.ts`);
      for (const touches of [each, ["{src,lib}/1?.ts", "lib", ...each]]) {
        const refused = await project.acquire(sessionId, touches);
        expect(refused.kind === "conflict" && refused.blocked.length).toBe(64);
      }
    });

    test("names at most 8 claims for one touch, and whatever else stands in the way of the others", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      for (let i = 0; i < 12; i++) {
        await project.grant(sessionId, [touch(`src/${i}.ts`, i < 6 ? "shared" : "exclusive"), `lib/${i}/{a,b}.ts`]);
      }
      const refused = await project.acquire(sessionId, ["src", "src/3.ts", "lib/**/a.ts", "docs", "lib/4/b.ts"]);
      if (refused.kind !== "conflict") throw new Error(refused.kind);
      const pairs = refused.blocked.map((each) => `${each.touch} ${each.claim.claimId}`);
      expect(new Set(pairs).size).toBe(pairs.length);
      expect(refused.blocked.map((each) => each.touch)).toEqual([...Array(8).fill(0), 1, ...Array(8).fill(2), 4]);
    });

    test("finds no conflict among the touches of one request", async () => {
      const project = await ProjectFixture.create(await create());
      await project.hold("src", "src/a.ts", "src/**", touch("src/a.ts", "shared"));
    });

    test.each([
      ["shared", "shared", "granted"],
      ["shared", "exclusive", "conflict"],
      ["exclusive", "shared", "conflict"],
      ["exclusive", "exclusive", "conflict"],
    ] as const)("with a %s touch held answers %s as %s", async (held, asked, outcome) => {
      const project = await ProjectFixture.create(await create());
      await project.hold(touch("src/**/lock.json", held));
      const sessionId = await project.session();
      const answer = await project.acquire(sessionId, [touch("src/ui/lock.json", asked)]);
      expect(answer.kind).toBe(outcome);
      expect(answer).toMatchObject(outcome === "conflict" ? { blocked: [{ heldMode: held }] } : {});
    });

    test("lets several features share a path, each on its own", async () => {
      const project = await ProjectFixture.create(await create());
      const first = await project.hold(touch("package-lock.json", "shared"));
      const second = await project.hold(touch("package-lock.json", "shared"));
      await project.release(first);
      expect(await project.holders("package-lock.json")).toEqual([second.claimId]);
      expect((await project.acquire(await project.session(), ["package-lock.json"])).kind).toBe("conflict");
    });

    test("answers feature-held for a feature that is claimed, also to the same session and without touches", async () => {
      const project = await ProjectFixture.create(await create());
      const featureId = newFeature();
      const sessionId = await project.session();
      const granted = await project.grant(sessionId, [], { featureId });
      const provisional = await project.acquire(sessionId, ["a"], { featureId });
      await project.store.confirm(project.scope, granted.claimId);
      const held = await project.acquire(await project.session(), [], { featureId });

      expect(provisional).toMatchObject({
        kind: "feature-held",
        claim: { claimId: granted.claimId, state: "provisional" },
      });
      expect(held).toMatchObject({ kind: "feature-held", claim: { claimId: granted.claimId, state: "held" } });
      expect(await project.holders("a")).toEqual([]);
    });

    test("answers feature-held before it looks at the touches", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      const refused = await project.acquire(held.sessionId, ["a"], { featureId: held.featureId });
      expect(refused.kind).toBe("feature-held");
    });

    test("does not grant a claim id twice, whatever else the repetition says", async () => {
      const project = await ProjectFixture.create(await create());
      const granted = await project.grant(await project.session(), ["a"]);
      const again = await project.acquire(granted.sessionId, ["b"], { claimId: granted.claimId });
      expect(again).toMatchObject({
        kind: "feature-held",
        claim: { claimId: granted.claimId, fencingToken: granted.fencingToken },
      });
      expect(await project.holders("b")).toEqual([]);
    });

    test("refuses sessions that are unknown or have lapsed, and revives neither", async () => {
      const project = await ProjectFixture.create(await create());
      const unknown = newId<"SessionId">();
      const lapsed = await project.session();
      const held = await project.hold("a");
      await project.advance(TTL_MS);

      expect(await project.acquire(unknown, ["b"])).toEqual({ kind: "session-expired" });
      expect(await project.acquire(lapsed, ["b"])).toEqual({ kind: "session-expired" });
      expect(await project.acquire(lapsed, ["a"], { featureId: held.featureId })).toEqual({ kind: "session-expired" });
      expect(await project.leaseEnd(unknown)).toBeUndefined();
      expect(await project.store.heartbeat(project.scope, lapsed, TTL_MS)).toEqual({ kind: "session-expired" });
    });

    test("renews the lease with a grant and with every refusal of the claim itself", async () => {
      const project = await ProjectFixture.create(await create({ maxCandidates: 1 }));
      const held = await project.hold("docs/b.md");
      await project.grant(held.sessionId, ["docs/d.md"]);
      const sessionId = await project.session();
      const start = (await project.leaseEnd(sessionId)) ?? 0;
      const asks = [
        [{ touches: [] }, "granted"],
        [{ touches: [touch("docs/b.md")] }, "conflict"],
        [{ featureId: held.featureId }, "feature-held"],
        [{ touches: [touch("docs/{x,y}*")] }, "too-broad"],
      ] as const;
      for (const [i, [given, outcome]] of asks.entries()) {
        await project.advance(1_000);
        expect((await project.acquire(sessionId, [], given)).kind).toBe(outcome);
        expect(await project.leaseEnd(sessionId)).toBe(start + (i + 1) * 1_000);
      }
    });

    test("lets a lapsed session's claim block, and says that it lapsed", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.advance(TTL_MS - 1);
      const sessionId = await project.session();
      expect(await project.acquire(sessionId, ["a"])).toMatchObject({
        blocked: [{ claim: { sessionExpired: false } }],
      });
      await project.advance(1);
      expect(await project.acquire(sessionId, ["a"])).toMatchObject({
        kind: "conflict",
        blocked: [{ claim: { claimId: held.claimId, state: "held", sessionExpired: true } }],
      });
    });

    test("lets an unconfirmed claim block past its deadline, and says that it is overdue", async () => {
      const project = await ProjectFixture.create(await create());
      const granted = await project.grant(await project.session(), ["a"]);
      const sessionId = await project.session();
      await project.advance(PROVISIONAL_DEADLINE_MS - 1);
      expect(await project.acquire(sessionId, ["a"])).toMatchObject({ blocked: [{ claim: { overdue: false } }] });
      await project.advance(1);
      expect(await project.acquire(sessionId, ["a"])).toMatchObject({
        kind: "conflict",
        blocked: [{ claim: { claimId: granted.claimId, state: "provisional", overdue: true } }],
      });
    });

    test("lets a draining claim block everybody, its own feature too, until its lock-delay has passed", async () => {
      const project = await ProjectFixture.create(await create());
      const held = await project.hold("a");
      await project.store.endSession(project.scope, held.sessionId, LOCK_DELAY_MS);
      const sessionId = await project.session();
      const { featureId } = held;
      await project.advance(LOCK_DELAY_MS - 1);
      expect(await project.acquire(sessionId, ["a"])).toMatchObject({
        kind: "conflict",
        blocked: [{ claim: { claimId: held.claimId, state: "draining", sessionExpired: false } }],
      });
      expect(await project.acquire(sessionId, ["b"], { featureId })).toMatchObject({
        kind: "feature-held",
        claim: { claimId: held.claimId, state: "draining" },
      });
      await project.advance(1);
      await project.grant(sessionId, ["a"], { featureId });
    });

    test("answers too-broad with the touch that would take too much to compare, and claims nothing", async () => {
      const project = await ProjectFixture.create(await create({ maxCandidates: 20 }));
      const sessionId = await project.session();
      for (let i = 0; i < 21; i++) {
        await project.grant(sessionId, [`src/x${i}-*`]);
      }
      expect(await project.acquire(sessionId, ["docs", "src/y*"])).toEqual({ kind: "too-broad", touch: 1 });
      expect(await project.holders("docs")).toEqual([]);
    });

    test("answers too-broad when the comparisons take too many steps together", async () => {
      const project = await ProjectFixture.create(await create({ maxSteps: 1_000 }));
      const sessionId = await project.session();
      await project.grant(sessionId, [`src/*${"a".repeat(20)}b*`]);
      const long = (last: string) => `src/?${"a".repeat(50)}${last}`;
      expect((await project.acquire(sessionId, ["docs", long("c")])).kind).toBe("granted");
      const broad = long("{c,d,e,f}");
      expect(await project.acquire(sessionId, ["lib", broad])).toEqual({ kind: "too-broad", touch: 1 });
    });

    test("answers too-broad when one comparison takes more steps than any may, and just below that compares", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      await project.grant(sessionId, [`**/*${"a".repeat(50)}b*/**`]);
      const names = (count: number) => Array.from({ length: count }, () => `?${"a".repeat(253)}`).join("/");
      expect((await project.acquire(sessionId, ["docs/*", names(2)])).kind).toBe("granted");
      expect(await project.acquire(sessionId, ["lib/*", names(3)])).toEqual({ kind: "too-broad", touch: 1 });
    });

    test.each([
      [`${"*a".repeat(120)}*b*`, `${"*a".repeat(120)}*c*`, "conflict"],
      [`${"*a?".repeat(80)}*b`, `${"*?a".repeat(80)}*c`, "granted"],
      [`${"*a".repeat(120)}*b*`, "a".repeat(255), "granted"],
      [`${"*a".repeat(120)}*b*`, `${"a".repeat(254)}b`, "conflict"],
      [`${"**/*a*/".repeat(31)}b*`, `${"**/*a*/".repeat(31)}*c`, "conflict"],
      [`**/${"{a,b}/**/".repeat(6)}c*`, `**/${"{a,b}/**/".repeat(6)}*d`, "conflict"],
    ])("compares exactly however many stars there are: %s and %s", async (held, asked, outcome) => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      await project.grant(sessionId, [held]);
      expect((await project.acquire(sessionId, [asked])).kind).toBe(outcome);
    });

    test("takes the largest claim there may be, and frees it whole", async () => {
      const project = await ProjectFixture.create(await create());
      const touches = Array.from({ length: MAX_ALTERNATIVES_PER_CLAIM / 2 }, (_, i) => `packages/p${i}/src/{a,b*}.ts`);
      const held = await project.hold(...touches);
      expect((await project.acquire(await project.session(), ["packages/p499/src/b1.ts"])).kind).toBe("conflict");
      await project.release(held);
      await project.hold(...touches);
    });

    test("keeps projects apart", async () => {
      const under = await create();
      const here = await ProjectFixture.create(under);
      const there = await ProjectFixture.create(under);
      const featureId = newFeature();
      const held = await here.grant(await here.session(), ["a"], { featureId });
      await there.grant(await there.session(), ["a"], { featureId, claimId: held.claimId });
      expect(await there.acquire(held.sessionId, ["b"])).toEqual({ kind: "session-expired" });
    });
  });
}
