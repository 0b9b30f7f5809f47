import { ANY, STAR, type Token } from "./pattern.ts";

/**
 * How much comparing is left to do. Counted down by one for each pair of readings, of segments and of positions within
 * two segments that is looked at; below zero the answer is not known. Both claim stores count alike.
 */
export interface StepBudget {
  steps: number;
}

/**
 * What two segments have both read so far, as far as it decides whether the name is one: `.` and `..` are not. A
 * greater value never accepts less of what follows, so the greatest one is all that has to be kept.
 */
export const UNREACHED = 0;
const NOTHING = 1;
const NAME = 4;

/** What two positions have in common: no character, only `.`, or some character that is not `.`. */
export const NO_CHARACTER = 0;
export const ONLY_DOT = 1;
export const CHARACTER = 2;

const DOT = 0x2e;

/**
 * Whether some name is read by both segments: the product of the two automata, position by position, O(|a|·|b|).
 *
 * @param a code points of a literal, or tokens; so is `b`
 * @param rows gets a row of states for each position in `a`, for the witness to be read from
 * @returns false also when the budget is used up: look at it
 */
export function segmentsOverlap(
  a: readonly Token[],
  b: readonly Token[],
  budget: StepBudget,
  rows?: Uint8Array[],
): boolean {
  if (rows === undefined && endsDiffer(a, b)) return false;
  let row = new Uint8Array(b.length + 1);
  row[0] = NOTHING;
  let low = 0;
  let high = 0;
  for (let i = 0; i <= a.length; i++) {
    const next = new Uint8Array(b.length + 1);
    let nextLow = b.length + 1;
    let nextHigh = -1;
    const reach = (j: number, state: number): void => {
      if (state > (next[j] as number)) next[j] = state;
      if (j < nextLow) nextLow = j;
      if (j > nextHigh) nextHigh = j;
    };
    const x = a[i];
    let j = low;
    for (; j <= high; j++) {
      const state = row[j] as number;
      if (state === UNREACHED) continue;
      const y = b[j];
      if (x === STAR) {
        // Two stars read any name together.
        if (y === STAR) row[j] = NAME;
        reach(j, row[j] as number);
        if (y !== undefined)
          row[j + 1] = Math.max(row[j + 1] as number, y === STAR ? NAME : read(state, common(y, ANY)));
      } else if (y === STAR) {
        row[j + 1] = Math.max(row[j + 1] as number, state);
        if (x !== undefined) reach(j, read(state, common(x, ANY)));
      } else if (x !== undefined && y !== undefined) {
        const both = common(x, y, budget);
        if (both !== NO_CHARACTER) reach(j + 1, read(state, both));
      }
      if (j === high && high < b.length && row[high + 1] !== UNREACHED) high += 1;
    }
    budget.steps -= j - low;
    rows?.push(row);
    if (i === a.length) return row[b.length] === NAME;
    if (nextHigh < 0 || budget.steps < 0) return false;
    row = next;
    low = nextLow;
    high = nextHigh;
  }
  return false;
}

/** Cheap and mostly enough: `*.ts` and `*.js` part at their last characters. */
function endsDiffer(a: readonly Token[], b: readonly Token[]): boolean {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const x = a[at] as Token;
    const y = b[at] as Token;
    if (!isCodePoint(x) || !isCodePoint(y)) break;
    if (x !== y) return true;
  }
  for (let back = 1; back <= shorter; back++) {
    const x = a[a.length - back] as Token;
    const y = b[b.length - back] as Token;
    if (!isCodePoint(x) || !isCodePoint(y)) break;
    if (x !== y) return true;
  }
  return false;
}

function isCodePoint(token: Token): token is number {
  return typeof token === "number" && token >= 0;
}

/** The state after one more character: one that is not `.` makes a name, and so does a third `.`. */
export function read(state: number, character: number): number {
  return character === CHARACTER || state === NAME ? NAME : state + 1;
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
