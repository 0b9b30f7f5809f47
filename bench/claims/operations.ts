import { FIRST_HELD, heldEntry } from "./population.ts";

/** A claim that is asked for again and again. */
export interface Operation {
  readonly name: string;
  /** What it asks for; different entries each time, so that nothing is found in a cache. */
  entries(run: number): readonly string[];
  readonly outcome: "granted" | "conflict";
}

const tenPaths = (run: number) => Array.from({ length: 10 }, (_, i) => `packages/p${i}/src/m${i}/new${run}.ts`);

export const TEN_PATHS = "ten files";

/** What the benchmark asks for, however much is held; its cost is to be the same. */
export const OPERATIONS: readonly Operation[] = [
  { name: TEN_PATHS, entries: tenPaths, outcome: "granted" },
  {
    name: "a refusal: ten files, one held",
    entries: (run) => [...tenPaths(run).slice(0, 9), heldEntry(FIRST_HELD)],
    outcome: "conflict",
  },
  { name: "a directory", entries: (run) => [`packages/p0/new${run}`], outcome: "granted" },
  { name: "a directory above all held", entries: () => ["packages"], outcome: "conflict" },
  { name: "a suffix glob: gen/**/*.ts", entries: (run) => [`gen/**/*${run}.ts`], outcome: "granted" },
  { name: "a suffix glob: **/*.test.ts", entries: () => ["**/*.test.ts"], outcome: "conflict" },
  { name: "packages/*/README.md", entries: (run) => [`packages/*/README${run}.md`], outcome: "granted" },
];
