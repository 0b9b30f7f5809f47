import { alternativeOverlaps } from "./alternative-overlap.ts";
import { parsePattern } from "./parse-pattern.ts";
import { PathProblem } from "./path-problem.ts";
import type { Alternative, Pattern } from "./pattern.ts";
import type { StepBudget } from "./sequence-overlap.ts";
import { type SpelledAlternative, witnessOf } from "./witness.ts";

/**
 * Decides exactly whether two entries cover a path in common, and answers such a path: the witness, which shows people
 * what both would write. Undefined when there is none. Symmetric but for the witness chosen.
 *
 * "Path" is taken as a file system takes it: no segment is empty, `.` or `..`, so that two classes which share only
 * the `.` do not overlap when nothing else stands in the name. Normalisation and limits of length beyond that are
 * properties of entries; they are not asked of the paths that a wildcard reads.
 *
 * The two must come from projects that agree about case. Time is at most O(|a|·|b|) over the compiled sizes.
 */
export function overlap(a: Pattern, b: Pattern): string | undefined {
  const unlimited = { steps: Number.POSITIVE_INFINITY };
  for (const [i, x] of a.alternatives.entries()) {
    for (const [j, y] of b.alternatives.entries()) {
      if (alternativeOverlaps(x, y, unlimited)) return witnessOf(spell(a, i, x), spell(b, j, y));
    }
  }
  return undefined;
}

/**
 * The same decision without a witness and within a budget: what a claim store does. The one in Lua
 * (storage/redis/lua/overlap.lua) takes the same steps.
 *
 * @returns undefined when the budget was used up before the answer was found
 */
export function alternativesOverlap(
  a: readonly Alternative[],
  b: readonly Alternative[],
  budget: StepBudget,
): boolean | undefined {
  for (const x of a) {
    for (const y of b) {
      if (alternativeOverlaps(x, y, budget)) return true;
      if (budget.steps < 0) return undefined;
    }
  }
  return false;
}

/** The compiled form is folded; its text, read as if case counted, compiles to the same shape in the spelling given. */
function spell(pattern: Pattern, index: number, compiled: Alternative): SpelledAlternative {
  const spelled = parsePattern(pattern.text, { caseSensitive: true });
  if (spelled instanceof PathProblem) return { compiled, spelled: compiled };
  const same = spelled.alternatives[index];
  return { compiled, spelled: same?.segments.length === compiled.segments.length ? same : compiled };
}
