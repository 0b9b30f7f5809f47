import { effectiveTouches } from "../claims/effective-touches.ts";
import { alternativesOverlap } from "../paths/overlap.ts";
import { parsePattern } from "../paths/parse-pattern.ts";
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
const MAX_COMPARISONS = 100_000;
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

/** One entry, and the other features that name it. */
interface Entry {
  readonly pattern: Pattern;
  readonly features: TouchedFeature[];
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
  const others = await entriesOf(deps, project, feature, turn);
  const budget = { steps: MAX_STEPS, comparisons: MAX_COMPARISONS };
  const advice: TouchAdvice[] = [];
  for (const touch of effectiveTouches(feature.touches, project.settings)) {
    const pattern = parsed(touch.path, caseSensitive);
    if (touch.mode === "shared" || pattern === undefined) continue;
    const sharing = others.get(keyOf(pattern))?.features.filter(isQueued).length ?? 0;
    if (sharing >= HOT) {
      advice.push({ kind: "hot", path: touch.path, count: sharing });
      continue;
    }
    const blocked = new Set<TouchedFeature>();
    for (const entry of others.values()) {
      if (budget.comparisons-- <= 0 || budget.steps <= 0) break;
      await turn();
      if (alternativesOverlap(pattern.alternatives, entry.pattern.alternatives, budget) === true) {
        for (const other of entry.features) blocked.add(other);
      }
    }
    if (blocked.size > BROAD) advice.push({ kind: "broad", path: touch.path, count: blocked.size });
  }
  if (repositoryPaths.length > 0) {
    const wild = feature.touches.flatMap((touch) => parsed(touch.path, caseSensitive) ?? []).filter(isWild);
    for (const pattern of await matchingNothing(wild, repositoryPaths, caseSensitive, turn)) {
      advice.push({ kind: "matches-nothing", path: pattern.text, count: 0 });
    }
  }
  return advice;
}

/** The entries of the project's other features, each once. */
async function entriesOf(
  deps: FeatureDeps,
  project: Project,
  feature: Feature,
  turn: () => Promise<void>,
): Promise<Map<string, Entry>> {
  const byPath = new Map<string, Entry>();
  const byKey = new Map<string, Entry>();
  for (const other of await deps.database.read.features.listTouched(project.id, MAX_FEATURES)) {
    if (other.id === feature.id) continue;
    for (const { path } of other.touches) {
      let entry = byPath.get(path);
      if (entry === undefined) {
        if (byPath.size >= MAX_ENTRIES) continue;
        await turn();
        const pattern = parsed(path, project.settings.caseSensitive);
        if (pattern === undefined) continue;
        entry = byKey.get(keyOf(pattern)) ?? { pattern, features: [] };
        byPath.set(path, entry);
        byKey.set(keyOf(pattern), entry);
      }
      if (entry.features.at(-1) !== other) entry.features.push(other);
    }
  }
  return byKey;
}

/** Lets other calls have their turn now and then. */
function turns({ pause }: Pick<FeatureDeps, "pause">): () => Promise<void> {
  let count = 0;
  return async () => {
    if (++count % AT_ONCE === 0) await pause(0);
  };
}

function parsed(path: string, caseSensitive: boolean): Pattern | undefined {
  const pattern = parsePattern(path, { caseSensitive });
  return pattern instanceof PathProblem ? undefined : pattern;
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
