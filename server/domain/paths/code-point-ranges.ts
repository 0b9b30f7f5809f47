/**
 * A set of code points as inclusive ranges `[low, high, low, high, …]`: rising, apart from each other, so that equal
 * sets are equal arrays.
 */
export type CodePointRanges = readonly number[];

/** Makes a set of any list of ranges. */
export function toRanges(pairs: readonly (readonly [low: number, high: number])[]): CodePointRanges {
  const ranges: number[] = [];
  for (const [low, high] of [...pairs].sort((a, b) => a[0] - b[0])) {
    const end = ranges.at(-1);
    if (end !== undefined && low <= end + 1) ranges[ranges.length - 1] = Math.max(end, high);
    else ranges.push(low, high);
  }
  return ranges;
}

/** The ranges as pairs. */
export function pairsOf(ranges: CodePointRanges): (readonly [low: number, high: number])[] {
  const pairs: [number, number][] = [];
  for (let at = 0; at + 1 < ranges.length; at += 2) pairs.push([ranges[at] as number, ranges[at + 1] as number]);
  return pairs;
}

/** What is in `ranges` but not in `others`. */
export function subtractRanges(ranges: CodePointRanges, others: CodePointRanges): CodePointRanges {
  const left: [number, number][] = [];
  const cuts = pairsOf(others);
  let first = 0;
  for (const [low, high] of pairsOf(ranges)) {
    while (first < cuts.length && (cuts[first] as readonly [number, number])[1] < low) first++;
    let from = low;
    for (let at = first; at < cuts.length; at++) {
      const [cutLow, cutHigh] = cuts[at] as readonly [number, number];
      if (cutLow > high) break;
      if (cutLow > from) left.push([from, cutLow - 1]);
      from = cutHigh + 1;
    }
    if (from <= high) left.push([from, high]);
  }
  return toRanges(left);
}

/** Whether the code point is in the set. */
export function hasCodePoint(ranges: CodePointRanges, codePoint: number): boolean {
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    if (codePoint < (ranges[at] as number)) return false;
    if (codePoint <= (ranges[at + 1] as number)) return true;
  }
  return false;
}
