import type { Alternative, Segment, Token } from "./pattern.ts";
import { type StepBudget, segmentsOverlap } from "./segment-overlap.ts";

/** A segment that reads exactly one name. */
export type Name = Exclude<Segment, 0>;

/**
 * Whether some path is read by both: the product of the two automata, segment by segment. Each pair of segments is
 * compared at most once (and the last pair once more), so all is O(|a|·|b|) however many `**` there are.
 *
 * @param rows gets a row of reached states for each segment of `a`, for the witness to be read from
 * @returns false also when the budget is used up: look at it
 */
export function alternativeOverlaps(a: Alternative, b: Alternative, budget: StepBudget, rows?: Uint8Array[]): boolean {
  budget.steps -= 1;
  if (rows === undefined && lastNamesDiffer(a, b, budget)) return false;
  const length = b.segments.length;
  let row = new Uint8Array(length + 1);
  row[0] = 1;
  let low = 0;
  let high = 0;
  for (let i = 0; i <= a.segments.length; i++) {
    const next = new Uint8Array(length + 1);
    let nextLow = length + 1;
    let nextHigh = -1;
    const reach = (j: number): void => {
      next[j] = 1;
      if (j < nextLow) nextLow = j;
      if (j > nextHigh) nextHigh = j;
    };
    const x = a.segments[i];
    let j = low;
    for (; j <= high; j++) {
      if (row[j] === 0) continue;
      const y = b.segments[j];
      if (y === 0 || (y !== undefined && readsAnything(a, i))) row[j + 1] = 1;
      if (x === 0 || (x !== undefined && readsAnything(b, j))) reach(j);
      if (isName(x) && isName(y) && namesOverlap(x, y, budget)) reach(j + 1);
      if (j === high && high < length && row[high + 1] === 1) high += 1;
    }
    budget.steps -= j - low;
    rows?.push(row);
    if (i === a.segments.length) return row[length] === 1;
    if (nextHigh < 0 || budget.steps < 0) return false;
    row = next;
    low = nextLow;
    high = nextHigh;
  }
  return false;
}

/** Whether the state before this segment reads any name and stays: at a `**`, or at the end of a folder. */
export function readsAnything(alternative: Alternative, index: number): boolean {
  return alternative.segments[index] === 0 || (alternative.tree && index === alternative.segments.length);
}

/** Whether the segment reads exactly one name, which `**` does not. */
export function isName(segment: Segment | undefined): segment is Name {
  return segment !== undefined && segment !== 0;
}

/** Whether two segments read a name in common. */
export function namesOverlap(x: Name, y: Name, budget: StepBudget): boolean {
  if (typeof x === "string" && typeof y === "string") return x === y;
  if (typeof x === "string" && typeof y !== "string" && endDiffers(x, y)) return false;
  if (typeof y === "string" && typeof x !== "string" && endDiffers(y, x)) return false;
  return segmentsOverlap(tokensOf(x), tokensOf(y), budget);
}

/** A segment as tokens; a literal as its code points. */
export function tokensOf(name: Name): readonly Token[] {
  return typeof name === "string" ? Array.from(name, (character) => character.codePointAt(0) as number) : name;
}

/** Spares most literals from being taken apart. */
function endDiffers(literal: string, tokens: readonly Token[]): boolean {
  const first = tokens[0];
  if (typeof first === "number" && first >= 0 && literal.codePointAt(0) !== first) return true;
  const last = tokens.at(-1);
  return typeof last === "number" && last >= 0 && !literal.endsWith(String.fromCodePoint(last));
}

/** Cheap and mostly enough for entries that begin with `**`: two paths that end differently are not one. */
function lastNamesDiffer(a: Alternative, b: Alternative, budget: StepBudget): boolean {
  const x = a.segments.at(-1);
  const y = b.segments.at(-1);
  return !a.tree && !b.tree && isName(x) && isName(y) && !namesOverlap(x, y, budget);
}
