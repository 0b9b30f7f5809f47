import { randomUUID } from "node:crypto";
import type { ClaimId, FeatureId } from "../../server/domain/ids.ts";
import { type BenchStore, toTouches } from "./bench-store.ts";

/** Entries made to be slow: claims hold some, and somebody asks for others that hardly ever overlap them. */
export interface Adversary {
  readonly name: string;
  /** One list for each claim. */
  readonly held: readonly (readonly string[])[];
  readonly asked: readonly string[];
  /** What it may take of the processor inside Redis. */
  readonly mostMicros: number;
}

export interface MeasuredAdversary extends Pick<Adversary, "name" | "mostMicros"> {
  readonly outcome: string;
  /** Microseconds inside Redis, each time. */
  readonly insideRedis: readonly number[];
  /** Microseconds of processor time, each time; what else runs on the machine does not count. */
  readonly ofProcessor: readonly number[];
}

const RUNS = 50;
/** For one pattern against another. */
const ONE_PAIR = 5_000;
/** For anything at all: the budget of one script. */
const ANY_SCRIPT = 20_000;

const one = (name: string, held: string, asked: string): Adversary => ({
  name,
  held: [[held]],
  asked: [asked],
  mostMicros: ONE_PAIR,
});
const many = (name: string, held: readonly (readonly string[])[], asked: readonly string[]): Adversary => ({
  name,
  held,
  asked,
  mostMicros: ANY_SCRIPT,
});
const numbered = (count: number, entry: (i: number) => string) => Array.from({ length: count }, (_, i) => entry(i));
const claims = (count: number, entry: (i: number) => string) =>
  numbered(count / 500, (claim) => numbered(500, (i) => entry(claim * 500 + i)).join("\n")).map((all) =>
    all.split("\n"),
  );
const braces = (letters: string, depth: number): string =>
  depth === 0 ? letters : `{${letters},${letters}${braces(letters, depth - 1)}}`;

const files = numbered(10, (i) => `src/x/f${i}.ts`);

/** Single patterns, each against its worst neighbour, and claims that come near the budget or use it up. */
export const ADVERSARIES: readonly Adversary[] = [
  one("*a*a*a… in one name", `${"*a".repeat(120)}*b*`, `${"*a".repeat(120)}*c*`),
  one("*a?*a?… in one name", `${"*a?".repeat(80)}*b*`, `${"*?a".repeat(80)}*c*`),
  one("**/a/**/a/…", `${"**/a/".repeat(31)}b*`, `${"**/a/".repeat(31)}*c`),
  one("**/*a*/**/*a*/…", `${"**/*a*/".repeat(31)}b*`, `${"**/*a*/".repeat(31)}*c`),
  one("64 alternatives", `x*/${"{a*,b*}".repeat(6)}c`, `*x/${"{*a,*b}".repeat(6)}d`),
  one("64 alternatives with **", `**/${"{a,b}/**/".repeat(6)}c*`, `**/${"{a,b}/**/".repeat(6)}*d`),
  one("braces 20 deep", `*/${braces("a*", 20)}`, `*/${braces("b*", 20)}c`),
  one("classes", `glob:*/${"[!a-z]*[0-9é-ü]".repeat(9)}x*`, `glob:*/${"*[0-9][!é]".repeat(9)}*y`),
  one(
    "a long run, nearly found",
    `**/*${"a".repeat(125)}b*/**`,
    Array.from({ length: 4 }, () => `?${"a".repeat(253)}`).join("/"),
  ),
  one("64 segments, literal", "*/a", `${"d/".repeat(63)}e`),
  many(
    "ten files, 3,000 globs from the root",
    claims(3_000, (i) => `*/m${i}/*.ts`),
    files,
  ),
  many(
    "ten files, 500 globs from the root",
    claims(500, (i) => `*/m${i}/*.ts`),
    files,
  ),
  many(
    "ten files, 20,000 globs from the root",
    claims(20_000, (i) => `*/m${i}/*.ts`),
    files,
  ),
  many(
    "a glob that begins like 20,000",
    claims(20_000, (i) => `src/x${i}*`),
    ["src/x*y"],
  ),
  many(
    "a glob among 20,000 that begin otherwise",
    claims(20_000, (i) => `src/x${i}*`),
    ["src/y*"],
  ),
  many(
    "100 globs among 1,000",
    claims(1_000, (i) => `src/*x${i}*`),
    numbered(100, (i) => `src/?y${i}z?`),
  ),
  many(
    "512 files, 64 segments each",
    [["*/a"]],
    numbered(512, (i) => `${`d${i}/`.repeat(63)}e`),
  ),
  many(
    "512 files, 8 segments each",
    [["*/a"]],
    numbered(512, (i) => `packages/p${i}/a/b/c/d/e/f.ts`),
  ),
  many(
    "1,000 alternatives, granted",
    [["*/a"]],
    numbered(500, (i) => `packages/p${i}/src/{a,b*}.ts`),
  ),
];

/** Lets an adversary ask. */
export async function measureAdversary(bench: BenchStore, adversary: Adversary): Promise<MeasuredAdversary> {
  const scope = await bench.begin();
  const sessionId = await bench.rebuildSession(scope);
  const ttlMs = 3_600_000;
  const request = (entries: readonly string[]) => ({
    claimId: randomUUID() as ClaimId,
    featureId: randomUUID() as FeatureId,
    sessionId,
    ttlMs,
    touches: toTouches(entries),
  });
  // All of one feature: some overlap each other.
  const featureId = randomUUID() as FeatureId;
  for (const entries of adversary.held) {
    const { claimId, touches } = request(entries);
    const claim = { claimId, featureId, sessionId, fencingToken: 1n, acquireTime: new Date(0), touches };
    await bench.store.rebuildClaim(scope, "bench", claim);
  }
  await bench.store.finishRebuild(scope, "bench");
  const insideRedis: number[] = [];
  const ofProcessor: number[] = [];
  let outcome = "";
  for (let run = 0; run < RUNS; run++) {
    const asked = request(adversary.asked);
    const before = [await bench.scriptTime(), await bench.processorTime()] as const;
    outcome = (await bench.store.acquire(scope, asked)).kind;
    ofProcessor.push((await bench.processorTime()) - before[1]);
    insideRedis.push((await bench.scriptTime()) - before[0]);
    await bench.store.release(scope, [asked.claimId]);
  }
  const { name, mostMicros } = adversary;
  return { name, mostMicros, outcome, insideRedis, ofProcessor };
}
