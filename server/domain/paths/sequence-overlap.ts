/**
 * How much comparing is left to do. Counted down by one for each pair of readings, of segments and of positions within
 * two segments that is looked at, and by the lengths of two classes; below zero the answer is not known. Both claim
 * stores count alike.
 */
export interface StepBudget {
  steps: number;
}

/** Steps that no two readings get more than, in either store. Only names and folders made to be slow take so many. */
export const MAX_STEPS_PER_PAIR = 12_000;

/** What sequences are made of: positions of a segment, or segments of a reading. */
export interface Language<Item> {
  /** Reads any run of items, also none. Never stands next to another one. */
  readonly star: Item;
  /** Whether two items, neither of them the star, read something in common; there is always something. */
  meet(x: Item, y: Item, budget: StepBudget): boolean;
}

/**
 * Whether some sequence is read by both. What is left once the beginnings and the ends are compared, up to the first
 * star of either:
 *
 * - a star in both: they meet, since each star reads all that the other side still demands;
 * - a star in one: the runs between its stars have to be found in the other one, in order. Each item there is read by
 *   itself, so the first place of each run is as good as any;
 * - none: they meet when nothing is left.
 *
 * So the product of the two automata is never walked through: time is O(|a|+|b|), and O(|a|·|b|) only where runs are
 * looked for.
 *
 * @param partners gets for each position of `a`, if that has no star, the position of `b` that reads it, -1 for a star
 * @returns false also when the budget is used up: look at it
 */
export function sequencesOverlap<Item>(
  a: readonly Item[],
  b: readonly Item[],
  language: Language<Item>,
  budget: StepBudget,
  partners: number[] = [],
): boolean {
  const { star, meet } = language;
  let front = 0;
  for (; front < a.length && front < b.length; front++) {
    const [x, y] = [a[front] as Item, b[front] as Item];
    if (x === star || y === star) break;
    if (!meet(x, y, budget)) return false;
    partners[front] = front;
  }
  let [endA, endB] = [a.length, b.length];
  for (; endA > front && endB > front; endA--, endB--) {
    const [x, y] = [a[endA - 1] as Item, b[endB - 1] as Item];
    if (x === star || y === star) break;
    if (!meet(x, y, budget)) return false;
    partners[endA - 1] = endB - 1;
  }
  const starInA = findStar(a, star, front, endA) < endA;
  const starInB = findStar(b, star, front, endB) < endB;
  if (starInA && starInB) return true;
  if (starInA) return runsFound(a, endA, b, endB, front, language, budget);
  if (starInB) return runsFound(b, endB, a, endA, front, language, budget, partners);
  return front === endA && front === endB;
}

/** Whether the runs between the stars of one stand in the other, which has none, in order; both from `front`. */
function runsFound<Item>(
  starred: readonly Item[],
  endOfStarred: number,
  plain: readonly Item[],
  endOfPlain: number,
  front: number,
  { star, meet }: Language<Item>,
  budget: StepBudget,
  partners: number[] = [],
): boolean {
  // Else the other one is too short for what is demanded before the first star or after the last one.
  if (starred[front] !== star || starred[endOfStarred - 1] !== star) return false;
  let at = front;
  for (let run = front + 1; run < endOfStarred; ) {
    const end = findStar(starred, star, run, endOfStarred);
    const length = end - run;
    for (let met = 0; ; at++) {
      if (at + length > endOfPlain) return false;
      for (met = 0; met < length; met++) {
        if (!meet(starred[run + met] as Item, plain[at + met] as Item, budget)) break;
      }
      if (budget.steps < 0) return false;
      if (met === length) break;
    }
    for (; run < end; run++, at++) partners[at] = run;
    run = end + 1;
  }
  for (let each = front; each < endOfPlain; each++) partners[each] ??= -1;
  return true;
}

/** The first star from `from` on; `end` when there is none before it. */
function findStar<Item>(items: readonly Item[], star: Item, from: number, end: number): number {
  let at = from;
  while (at < end && items[at] !== star) at++;
  return at;
}

/** An item of a common sequence: the positions that read it; undefined where a star does. */
export interface CommonItem {
  readonly a?: number | undefined;
  readonly b?: number | undefined;
}

/**
 * Some of the sequences that are read by two which overlap, short ones first. The last is always one when both have a
 * star, and has an item that nothing but the stars read.
 */
export function* commonSequences<Item>(
  a: readonly Item[],
  b: readonly Item[],
  language: Language<Item>,
): Generator<readonly CommonItem[]> {
  const positionsA = positionsWithoutStar(a, language.star);
  const positionsB = positionsWithoutStar(b, language.star);
  const found = (plain: readonly Item[], other: readonly Item[]): readonly number[] | undefined => {
    const partners: number[] = [];
    return sequencesOverlap(plain, other, language, { steps: Number.POSITIVE_INFINITY }, partners)
      ? partners
      : undefined;
  };
  const inB = found(
    positionsA.map((at) => a[at] as Item),
    b,
  );
  if (inB) yield positionsA.map((at, index) => ({ a: at, b: read(inB[index]) }));
  const inA = found(
    positionsB.map((at) => b[at] as Item),
    a,
  );
  if (inA) yield positionsB.map((at, index) => ({ a: read(inA[index]), b: at }));
  if (positionsA.length === a.length || positionsB.length === b.length) return;

  const [frontA, frontB] = [a.indexOf(language.star), b.indexOf(language.star)];
  const [backA, backB] = [a.length - 1 - a.lastIndexOf(language.star), b.length - 1 - b.lastIndexOf(language.star)];
  const fronts = Array.from({ length: Math.max(frontA, frontB) }, (_, at) => ({
    a: at < frontA ? at : undefined,
    b: at < frontB ? at : undefined,
  }));
  const backs = Array.from({ length: Math.max(backA, backB) }, (_, at) => ({
    a: at < backA ? a.length - 1 - at : undefined,
    b: at < backB ? b.length - 1 - at : undefined,
  })).reverse();
  const middleOfA = positionsA.filter((at) => at > frontA && at < a.length - backA).map((at) => ({ a: at }));
  const middleOfB = positionsB.filter((at) => at > frontB && at < b.length - backB).map((at) => ({ b: at }));
  yield [...fronts, ...middleOfA, ...middleOfB, ...backs];
  yield [...fronts, ...middleOfA, {}, ...middleOfB, ...backs];
}

function positionsWithoutStar<Item>(items: readonly Item[], star: Item): readonly number[] {
  return [...items.keys()].filter((at) => items[at] !== star);
}

function read(partner: number | undefined): number | undefined {
  return partner === undefined || partner < 0 ? undefined : partner;
}
