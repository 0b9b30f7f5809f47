import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ProjectFixture, pattern, type SearchBounds } from "../../testing/claim-store-fixture.ts";
import { movedRedisStore } from "../../testing/moved-redis-store.ts";
import { connectRedis } from "./connect.ts";

/** What keeps a search cheap, seen by bounds that a dearer one would reach. */
describe("the search in Redis", () => {
  let redis: Redis;

  beforeAll(async () => {
    redis = await connectRedis(inject("redisUrl"));
  });

  afterAll(() => redis.quit());

  /** A project in which one claim holds `entries`. */
  async function holding(bounds: SearchBounds, entries: readonly string[]): Promise<ProjectFixture> {
    const project = await ProjectFixture.create(await movedRedisStore(redis, inject("redisPrefix"), bounds));
    const scope = { ...project.scope, epoch: 2 };
    const claim = await project.hold();
    await project.store.beginRebuild(scope, "mark");
    await project.store.rebuildSession(scope, "mark", claim.sessionId, 60_000);
    const touches = entries.map((entry) => ({ pattern: pattern(entry), mode: "exclusive" as const }));
    await project.store.rebuildClaim(scope, "mark", { ...claim, touches });
    await project.store.finishRebuild(scope, "mark");
    return ProjectFixture.at(project.under, scope);
  }

  const many = (entry: (i: number) => string) => Array.from({ length: 200 }, (_, i) => entry(i));

  test("does not look at files and globs that end differently from a glob", async () => {
    const entries = many((i) => `{src,lib}/${i}/*a.css`);
    const project = await holding({ maxCandidates: 100 }, entries);
    expect(await project.holders("**/*.test.ts")).toEqual([]);
    expect(await project.holders("**/*b.css")).toEqual([]);
  });

  test("does not look at files and globs that end like a glob in other directories", async () => {
    const project = await holding(
      { maxCandidates: 100 },
      many((i) => `{src,lib}/${i}/*.test.ts`),
    );
    expect(await project.holders("docs/**/*.test.ts")).toEqual([]);
  });

  test("does not look at what stands deeper than a glob reaches, nor at what stands in other directories", async () => {
    const deep = many((i) => `src/${i}/a/x.ts`);
    const project = await holding({ maxCandidates: 20 }, [...deep, ...many((i) => `lib/${i}/{a,b}/c/y.*`)]);
    expect(await project.holders("src/*/a")).toEqual([]);
    expect(await project.holders("src/*/x.ts")).toEqual([]);
    expect(await project.holders("lib/*/y.ts")).toEqual([]);
    expect(await project.holders("s*/*.ts")).toEqual([]);
  });

  test("compares exactly only what begins and ends like the touch", async () => {
    const entries = [...many((i) => `src/x${i}-*`), ...many((i) => `src/*/${i}.css`)];
    const project = await holding({ maxSteps: 4_000 }, entries);
    expect(await project.holders("src/y*.ts")).toEqual([]);
    expect(await project.holders("src/y/z*.ts")).toEqual([]);
  });

  test("counts what it has to take apart", async () => {
    const entries = many((i) => `src/x${i}?`);
    expect(await (await holding({}, entries)).holders("src/??????")).toEqual([]);
    const project = await holding({ maxSteps: 4_000 }, entries);
    expect((await project.store.check(project.scope, [pattern("src/??????")])).kind).toBe("too-broad");
  });

  test("takes an entry apart once, however many touches meet it", async () => {
    const project = await holding({ maxSteps: 1_850 }, ["*/held/a?", "*/held/b?"]);
    const touches = Array.from({ length: 30 }, (_, i) => pattern(`src/free${i}`));
    expect(await project.store.check(project.scope, touches)).toEqual({ kind: "checked", held: [] });
  });

  test("bounds the look-ups of a claim by themselves", async () => {
    const project = await holding({ maxSteps: 1_400 }, []);
    const shallow = Array.from({ length: 30 }, (_, i) => pattern(`${i}`));
    const wide = Array.from({ length: 41 }, (_, i) => pattern(`${i}`));
    const deep = Array.from({ length: 30 }, (_, i) => pattern(`${i}/${"d/".repeat(40)}`));
    expect((await project.store.check(project.scope, shallow)).kind).toBe("checked");
    expect((await project.store.check(project.scope, wide)).kind).toBe("too-broad");
    expect((await project.store.check(project.scope, deep)).kind).toBe("too-broad");
  });
});
