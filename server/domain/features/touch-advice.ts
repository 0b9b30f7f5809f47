import { compileStored } from "../claims/compile-touches.ts";
import { effectiveTouches } from "../claims/effective-touches.ts";
import { type SearchBudget, SearchBudgetSpentError, TouchIndex } from "../claims/touch-index.ts";
import { alternativesOverlap } from "../paths/overlap.ts";
import { filePathToPattern, parseFilePath } from "../paths/path.ts";
import { PathProblem } from "../paths/path-problem.ts";
import type { Pattern } from "../paths/pattern.ts";
import type { Project } from "../projects/project.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import type { TouchedFeature } from "./feature-store.ts";

/** A touch that would have blocked more features than this is broad. */
const BROAD = 10;
/** A file that so many queued features name is what they will wait for. */
const HOT = 5;
/** Features that are compared with, the latest first, and their entries together. */
const MAX_FEATURES = 1_000;
const MAX_ENTRIES = 5_000;
/** Comparisons, and their steps, for one piece of advice; what is beyond goes without. */
const MAX_CANDIDATES = 100_000;
const MAX_STEPS = 1_000_000;
/** Entries and files that are looked at before other calls have their turn: about a millisecond's worth. */
const AT_ONCE = 500;

/** Something about a touch that is allowed but likely not meant. */
export interface TouchAdvice {
  readonly kind: "broad" | "hot" | "matches-nothing";
  readonly path: string;
  /** How many other features. */
  readonly count: number;
}

/** An exclusive touch of the feature, and the others that it has something to do with. */
interface Sought {
  readonly path: string;
  readonly pattern: Pattern;
  /** Those that it would have blocked. */
  readonly blocked: Set<TouchedFeature>;
  /** Those that are queued and name just the same. */
  readonly sharing: Set<TouchedFeature>;
}

/**
 * What its author should know of a feature's touches: those that are broad, those that many queued features share, and,
 * given the repository's files, patterns that match none of them. Shared touches block nobody who shares them, so they
 * are neither broad nor hot.
 */
export async function adviseOnTouches(
  deps: FeatureDeps,
  project: Project,
  feature: Feature,
  repositoryPaths: readonly string[],
): Promise<TouchAdvice[]> {
  if (feature.touches.length === 0) return [];
  const { caseSensitive } = project.settings;
  const turn = turns(deps);
  const advice: TouchAdvice[] = [];
  for (const { path, blocked, sharing } of await compareWithOthers(deps, project, feature, turn)) {
    if (sharing.size >= HOT) advice.push({ kind: "hot", path, count: sharing.size });
    else if (blocked.size > BROAD) advice.push({ kind: "broad", path, count: blocked.size });
  }
  if (repositoryPaths.length > 0) {
    const wild = feature.touches.map((touch) => compileStored(touch.path, caseSensitive)).filter(isWild);
    for (const pattern of await matchingNothing(wild, repositoryPaths, caseSensitive, turn)) {
      advice.push({ kind: "matches-nothing", path: pattern.text, count: 0 });
    }
  }
  return advice;
}

/** The feature's few touches are the index, and the others' many go through it, each entry once. */
async function compareWithOthers(
  deps: FeatureDeps,
  project: Project,
  feature: Feature,
  turn: () => Promise<void>,
): Promise<Sought[]> {
  const { caseSensitive } = project.settings;
  const sought = effectiveTouches(feature.touches, project.settings)
    .filter(({ mode }) => mode === "exclusive")
    .map(({ path }): Sought => {
      return { path, pattern: compileStored(path, caseSensitive), blocked: new Set(), sharing: new Set() };
    });
  if (sought.length === 0) return [];
  const index = new TouchIndex<Sought>();
  for (const touch of sought) index.add(touch, [{ pattern: touch.pattern, mode: "exclusive" }]);
  const budget = { candidates: MAX_CANDIDATES, steps: MAX_STEPS };
  const overlapping = new Map<string, readonly Match[]>();
  for (const other of await deps.database.read.features.listTouched(project.id, MAX_FEATURES)) {
    if (other.id === feature.id) continue;
    for (const { path } of other.touches) {
      let matches = overlapping.get(path);
      if (matches === undefined) {
        if (overlapping.size >= MAX_ENTRIES) continue;
        await turn();
        matches = matchesOf(compileStored(path, caseSensitive), index, budget);
        overlapping.set(path, matches);
      }
      for (const { touch, isSame } of matches) {
        touch.blocked.add(other);
        if (isSame && isQueued(other)) touch.sharing.add(other);
      }
    }
  }
  return sought;
}

/** A touch that overlaps an entry of another feature, and whether both say the same. */
interface Match {
  readonly touch: Sought;
  readonly isSame: boolean;
}

/** What an entry overlaps, as far as the budget lasts. */
function matchesOf(pattern: Pattern, index: TouchIndex<Sought>, budget: SearchBudget): Match[] {
  const found = new Set<Sought>();
  try {
    for (const { owner } of index.overlapping(pattern, ["exclusive"], budget)) found.add(owner);
  } catch (error) {
    if (!(error instanceof SearchBudgetSpentError)) throw error;
  }
  return [...found].map((touch) => ({ touch, isSame: keyOf(touch.pattern) === keyOf(pattern) }));
}

/** Lets other calls have their turn now and then. */
function turns({ pause }: Pick<FeatureDeps, "pause">): () => Promise<void> {
  let count = 0;
  return async () => {
    if (++count % AT_ONCE === 0) await pause(0);
  };
}

function keyOf(pattern: Pattern): string {
  return JSON.stringify(pattern.alternatives);
}

function isQueued({ status }: TouchedFeature): boolean {
  return status === "draft" || status === "ready" || status === "active";
}

function isWild({ alternatives }: Pattern): boolean {
  return alternatives.length > 1 || alternatives[0]?.tree === false;
}

/** Those of the patterns that match no file; none, when it took too long to tell. */
async function matchingNothing(
  patterns: readonly Pattern[],
  files: readonly string[],
  caseSensitive: boolean,
  turn: () => Promise<void>,
): Promise<Pattern[]> {
  let left = [...patterns];
  const budget = { steps: 3 * MAX_STEPS };
  for (const file of files) {
    if (left.length === 0 || budget.steps <= 0) return [];
    await turn();
    const path = parseFilePath(file);
    if (path instanceof PathProblem) continue;
    const { alternatives } = filePathToPattern(path, { caseSensitive });
    const fileOnly = alternatives.map(({ segments }) => ({ segments, tree: false }));
    left = left.filter((pattern) => alternativesOverlap(pattern.alternatives, fileOnly, budget) !== true);
  }
  return left;
}
