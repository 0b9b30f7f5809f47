import { describe, expect, test } from "vitest";
import { ProjectFixture, type StoreFactory, touch } from "../claim-store-fixture.ts";

/** Entries that overlap, by the way in which an index has to find one from the other. */
const OVERLAPPING: readonly (readonly [string, string])[] = [
  ["src/a.ts", "src/a.ts"],
  ["src/A.ts", "SRC/a.ts"],
  ["src", "src/ui/a.ts"],
  ["src/{a,b}.ts", "src/a.ts"],
  ["src/{a,b}.ts", "src"],
  ["src/{a,b}.ts", "{src,lib}/b.ts"],
  ["**", "a"],
  ["**", "**"],
  ["**/*.test.ts", "src/a.test.ts"],
  ["**/*.test.ts", "src/{a.test,b}.ts"],
  ["**/*.test.ts", "**/*.ts"],
  ["**/*.test.ts", "src/*/a*"],
  ["**/*.ts", "src/ui/**/*.test.ts"],
  ["**/Makefile", "{a,b/c}/Makefile"],
  ["**/Makefile", "**/*file"],
  ["**/kakefile", "{x,y}/\u212Aakefile"],
  ["*.md", "{README,CHANGELOG}.md"],
  ["*.md", "readme.md"],
  ["*/a/*", "b/a"],
  ["*/a/*", "b/a/c"],
  ["src/*/x.ts", "src/ui"],
  ["src/ui-*", "src/ui-kit"],
  ["src/ui-*/b.ts", "src/*-kit/b.ts"],
  ["src/**", "src/a"],
  ["src/**/b", "src/a"],
  ["a/**/b/**/c", "a/x/b/y/c"],
  ["app/[id]/page.tsx", "app/*/page.tsx"],
  ["glob:src/[a-c].ts", "src/{b,x}.ts"],
  ["glob:src/[!a].ts", "glob:src/[!b].ts"],
  ["日本/*.語", "日本/{本,語}.語"],
  ["**/*語", "x/日本語"],
  ["a/b/c/d/e/f/g", "a/b"],
  [`**/${"x".repeat(40)}.ts`, `{a,b}/${"x".repeat(40)}.ts`],
];

const APART: readonly (readonly [string, string])[] = [
  ["src/a.ts", "src/b.ts"],
  ["src/ui", "src/ui2"],
  ["src/ui", "src/ui-kit"],
  ["src/ui/a", "src/ui.a"],
  ["src/{a,b}.ts", "src/c.ts"],
  ["src/{a,b}", "src/a/x"],
  ["{src,lib}", "src/a.ts"],
  ["**/*.test.ts", "**/*.spec.ts"],
  ["**/*.test.ts", "src/{a,b}.ts"],
  ["**/Makefile", "{a,b}/xMakefile"],
  ["**/Makefile", "{a,b}/Makefile/c"],
  ["*.md", "docs/a.md"],
  ["*.md", "docs/*.md"],
  ["*.md", "{docs/a,b/c}.md"],
  ["src/*", "lib/a"],
  ["src/*/x.ts", "src/ui/y.ts"],
  ["src/*/x.ts", "src/ui/z/x.ts"],
  ["src/ui-*", "src/ux-kit"],
  ["src/ui-*", "src/ui-kit/b.ts"],
  ["*/a/*", "b/a/c/d"],
  ["src/**", "{src,lib}"],
  ["glob:src/[a-c].ts", "src/{d,e}.ts"],
  [`**/${"x".repeat(40)}.ts`, `{a,b}/y${"x".repeat(39)}.ts`],
];

/** Which touches stand in each other's way, seen from outside; the decision itself is proved in domain/paths. */
export function overlapContract(create: StoreFactory): void {
  describe("overlap", () => {
    test.each(OVERLAPPING)("%s and %s block each other, whichever came first", async (a, b) => {
      const project = await ProjectFixture.create(await create());
      for (const [first, second] of [
        [a, b],
        [b, a],
      ] as const) {
        const held = await project.hold(first);
        const refused = await project.acquire(await project.session(), [second]);
        expect(refused).toMatchObject({ kind: "conflict", blocked: [{ touch: 0, claim: { claimId: held.claimId } }] });
        expect(await project.holders(second)).toEqual([held.claimId]);
        await project.release(held);
      }
    });

    test.each(APART)("%s and %s do not", async (a, b) => {
      const project = await ProjectFixture.create(await create());
      for (const [first, second] of [
        [a, b],
        [b, a],
      ] as const) {
        const held = [await project.hold(first), await project.hold(second)];
        await project.release(...held);
      }
    });

    test("finds the one entry that overlaps among many that end or begin alike", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      for (let i = 0; i < 150; i++) {
        await project.grant(sessionId, [`{src,lib}/${i}/a${i}.css`, `src/m${i}/*.css`]);
      }
      const one = await project.grant(sessionId, ["{src,lib}/75/a75.test.ts"]);
      for (const asked of ["**/*.test.ts", "src/**/*.ts", "src/75/*.ts", "*/*/*.ts", "**/a75.t*.ts"]) {
        expect(await project.holders(asked)).toEqual([one.claimId]);
      }
    });

    test("finds an entry behind many that begin and end like the touch and yet are apart", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      for (let i = 0; i < 300; i++) {
        await project.grant(sessionId, [`src/{a,b}${i}.ts`, `src/c${i}-*.ts`]);
      }
      const last = await project.grant(sessionId, ["src/{zz,zzz}.ts"]);
      expect(await project.holders("src/z*.ts")).toEqual([last.claimId]);
      expect(await project.holders("**/z*.ts")).toEqual([last.claimId]);
    });

    test("finds what ends in less than the touch does, or in nothing certain, among many that end otherwise", async () => {
      const project = await ProjectFixture.create(await create());
      const sessionId = await project.session();
      for (let i = 0; i < 100; i++) {
        await project.grant(sessionId, [`{src,lib}/m${i}.css`]);
      }
      const open = await project.grant(sessionId, ["src/open.*"]);
      expect(await project.holders("**/*.test.ts")).toEqual([open.claimId]);
      const shorter = await project.grant(sessionId, ["lib/*s.ts", "lib/*t.ts"]);
      expect(new Set(await project.holders("**/*.test.ts"))).toEqual(new Set([open.claimId, shorter.claimId]));
    });

    test("tells entries at one place apart", async () => {
      const project = await ProjectFixture.create(await create());
      await project.hold("src/?a?");
      const second = await project.hold("src/?b?");
      const third = await project.hold("src/{xcx,ycy}");
      expect(await project.holders("src/{xbx,ydy}")).toEqual([second.claimId]);
      expect(await project.holders("src/xb*")).toEqual([second.claimId]);
      expect(await project.holders("src/?c?")).toEqual([third.claimId]);
    });

    test("still finds what stands as deep as something that was freed", async () => {
      const project = await ProjectFixture.create(await create());
      const freed = await project.hold("src/a/x", "src/{b,c}/y*");
      const tree = await project.hold("src/d/z");
      const glob = await project.hold("src/{d,e}/w*");
      await project.release(freed);
      expect(await project.holders("src/**/z/**")).toEqual([tree.claimId]);
      expect(await project.holders("src/e/**")).toEqual([glob.claimId]);
    });

    test("looks past what is deeper than a pattern without ** can reach", async () => {
      const project = await ProjectFixture.create(await create({ maxCandidates: 30 }));
      const sessionId = await project.session();
      for (let i = 0; i < 100; i++) {
        await project.grant(sessionId, [`src/a/${i}.ts`, `src/b/c/${i}/d.ts`]);
      }
      const readme = await project.grant(sessionId, ["src/x.md"]);
      expect(await project.holders("src/*.md")).toEqual([readme.claimId]);
      expect(await project.holders("*.md")).toEqual([]);
    });

    test("does not count what a shared touch may overlap anyway", async () => {
      const project = await ProjectFixture.create(await create({ maxCandidates: 100 }));
      const sessionId = await project.session();
      for (let i = 0; i < 20; i++) {
        await project.grant(sessionId, [touch("package-lock.json", "shared"), `src/${i}`]);
      }
      await project.grant(sessionId, [touch("package-lock.json", "shared")]);
    });
  });
}
