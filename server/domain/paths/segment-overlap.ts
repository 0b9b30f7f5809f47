import { ANY, STAR, type Token } from "./pattern.ts";
import { type Language, type StepBudget, sequencesOverlap } from "./sequence-overlap.ts";

/** What two positions have in common: no character, only `.`, or some character that is not `.`. */
export const NO_CHARACTER = 0;
export const ONLY_DOT = 1;
export const CHARACTER = 2;

const DOT = 0x2e;

/** A segment as a sequence of positions. */
export const CHARACTERS: Language<Token> = {
  star: STAR,
  meet(x, y, budget) {
    budget.steps -= 1;
    return common(x, y, budget) !== NO_CHARACTER;
  },
};

/**
 * Whether some name is read by both segments. `.` and `..` are no names; what has three characters is one, and two
 * stars read any name together.
 *
 * @param a code points of a literal, or tokens; so is `b`
 * @returns false also when the budget is used up: look at it
 */
export function segmentsOverlap(a: readonly Token[], b: readonly Token[], budget: StepBudget): boolean {
  if (isShort(a)) return shortOverlap(a, b, budget);
  if (isShort(b)) return shortOverlap(b, a, budget);
  return sequencesOverlap(a, b, CHARACTERS, budget);
}

/** Whether all that the segment reads has the same one or two characters' length. */
export function isShort(tokens: readonly Token[]): boolean {
  return tokens.length <= 2 && tokens[0] !== STAR && tokens[1] !== STAR;
}

/**
 * As segmentsOverlap, where what a short segment reads has to be seen to be a name.
 *
 * @param partners as in sequencesOverlap
 */
export function shortOverlap(
  short: readonly Token[],
  other: readonly Token[],
  budget: StepBudget,
  partners: number[] = [],
): boolean {
  const overlapFrom = (i: number, j: number, named: boolean): boolean => {
    budget.steps -= 1;
    const x = short[i];
    const y = other[j];
    if (y === STAR) {
      if (overlapFrom(i, j + 1, named)) return true;
      if (x === undefined || !overlapFrom(i + 1, j, named || common(x, ANY, budget) === CHARACTER)) return false;
      partners[i] = -1;
      return true;
    }
    if (x === undefined || y === undefined) return x === y && named;
    const both = common(x, y, budget);
    if (both === NO_CHARACTER || !overlapFrom(i + 1, j + 1, named || both === CHARACTER)) return false;
    partners[i] = j;
    return true;
  };
  return overlapFrom(0, 0, false);
}

/** What two positions have in common; neither is `STAR`, but for which `ANY` stands in. */
export function common(x: Token, y: Token, budget?: StepBudget): number {
  if (typeof x === "number" && typeof y === "number") {
    if (x === ANY) return y === DOT ? ONLY_DOT : CHARACTER;
    if (y !== ANY && x !== y) return NO_CHARACTER;
    return x === DOT ? ONLY_DOT : CHARACTER;
  }
  if (typeof x === "number") return common(y, x, budget);
  if (typeof y !== "number") {
    if (budget !== undefined) budget.steps -= (x.length + y.length) >> 1;
    return commonOfClasses(x, y);
  }
  // A class of one character is compiled as that character, so a class always has one that is not ".".
  if (y === ANY) return CHARACTER;
  if (budget !== undefined) budget.steps -= x.length >> 1;
  return commonOfClasses(x, [0, y, y]);
}

function commonOfClasses(x: readonly number[], y: readonly number[]): number {
  // No class reaches above U+EFFFF, so two negated ones share all that lies there.
  if (x[0] === 1 && y[0] === 1) return CHARACTER;
  if (x[0] === 1) return commonOfClasses(y, x);
  const negated = y[0] === 1;
  let most = NO_CHARACTER;
  const found = (low: number, high: number): void => {
    if (low <= high) most = Math.max(most, low === DOT && high === DOT ? ONLY_DOT : CHARACTER);
  };
  let first = 1;
  for (let at = 1; at < x.length; at += 2) {
    const low = x[at] as number;
    const high = x[at + 1] as number;
    while (first < y.length && (y[first + 1] as number) < low) first += 2;
    let from = low;
    for (let other = first; other < y.length && (y[other] as number) <= high; other += 2) {
      const otherLow = y[other] as number;
      const otherHigh = y[other + 1] as number;
      if (negated) found(from, otherLow - 1);
      else found(Math.max(low, otherLow), Math.min(high, otherHigh));
      from = otherHigh + 1;
    }
    if (negated) found(from, high);
    if (most === CHARACTER) return most;
  }
  return most;
}
