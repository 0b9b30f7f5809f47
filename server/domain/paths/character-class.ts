import { type CodePointRanges, pairsOf, subtractRanges, toRanges } from "./code-point-ranges.ts";
import { foldCodePoint } from "./fold.ts";
import { NOT_IN_SEGMENTS } from "./path-characters.ts";
import type { Token } from "./pattern.ts";

/** A character class as written under `glob:`: `[abc]`, `[a-z]`, `[!a]`. */
export interface CharacterClass {
  readonly negated: boolean;
  readonly ranges: CodePointRanges;
}

/**
 * Compiles a class: each element is folded (unless case counts) and composed by itself, as the characters of paths are,
 * so the set holds only what a folded path can hold. A set of one character becomes that character.
 */
export function compileClass(written: CharacterClass, caseSensitive: boolean): Token {
  const changes = (caseSensitive ? compositions : foldings).changes();
  const kept = subtractRanges(written.ranges, changes.unstable);
  const images: [number, number][] = [];
  for (const [low, high] of pairsOf(written.ranges)) {
    for (let at = firstAtLeast(changes.from, low); at < changes.from.length; at++) {
      if ((changes.from[at] as number) > high) break;
      const image = changes.to[at];
      if (image !== undefined) images.push([image, image]);
    }
  }
  const ranges = subtractRanges(toRanges([...pairsOf(kept), ...images]), NOT_IN_SEGMENTS);
  if (!written.negated && ranges.length === 2 && ranges[0] === ranges[1]) return ranges[0] as number;
  return [written.negated ? 1 : 0, ...ranges];
}

/** Code points that never stand in a normalised text, in rising order, with the one that stands for each, if any. */
interface Changes {
  readonly from: readonly number[];
  readonly to: readonly (number | undefined)[];
  readonly unstable: CodePointRanges;
}

/** Above this no code point has case or another composed form; the test looks at them all. */
const LAST_CHANGING = 0x2ffff;

class ChangeTable {
  #changes: Changes | undefined;

  constructor(private readonly fold: (codePoint: number) => number) {}

  /** Made at the first use: it looks at 200,000 code points, and most processes never meet a class. */
  changes(): Changes {
    this.#changes ??= this.#make();
    return this.#changes;
  }

  #make(): Changes {
    const from: number[] = [];
    const to: (number | undefined)[] = [];
    for (let codePoint = 0; codePoint <= LAST_CHANGING; codePoint++) {
      if (codePoint === 0xd800) codePoint = 0xe000;
      const composed = String.fromCodePoint(this.fold(codePoint)).normalize("NFC");
      const image = composed.codePointAt(0) as number;
      if (image === codePoint && composed.length === (codePoint > 0xffff ? 2 : 1)) continue;
      from.push(codePoint);
      to.push(String.fromCodePoint(image) === composed ? image : undefined);
    }
    return { from, to, unstable: toRanges(from.map((codePoint) => [codePoint, codePoint])) };
  }
}

const foldings = new ChangeTable(foldCodePoint);
const compositions = new ChangeTable((codePoint) => codePoint);

/** The first index whose value is at least `bound`, in a rising list. */
function firstAtLeast(values: readonly number[], bound: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
