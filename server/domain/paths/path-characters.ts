import { hasCodePoint, toRanges } from "./code-point-ranges.ts";
import { PathProblem, quote } from "./path-problem.ts";

/** Why these code points are in no path: two names that look alike, or a name that can't be typed, must not exist. */
const FORBIDDEN: readonly (readonly [low: number, high: number, name: string])[] = [
  [0x00, 0x1f, "a control character"],
  [0x7f, 0x9f, "a control character"],
  [0x61c, 0x61c, "a bidirectional control"],
  [0x180e, 0x180e, "a zero-width character"],
  [0x200b, 0x200d, "a zero-width character"],
  [0x200e, 0x200f, "a bidirectional control"],
  [0x2028, 0x2029, "a line break"],
  [0x202a, 0x202e, "a bidirectional control"],
  [0x2060, 0x2064, "a zero-width character"],
  [0x2065, 0x206f, "a bidirectional control"],
  [0xd800, 0xdfff, "a lone surrogate (half a character)"],
  [0xfeff, 0xfeff, "a zero-width character"],
  [0xe0000, 0xe007f, "an invisible tag character"],
];

const SLASH = 0x2f;

/** What no character of a segment can be: the separator, and whatever is refused in paths. */
export const NOT_IN_SEGMENTS = toRanges([...FORBIDDEN.map(([low, high]) => [low, high] as const), [SLASH, SLASH]]);

/**
 * Checks the characters of an entry, each for itself.
 *
 * @throws PathProblem naming the first character that is in no path, and where it stands
 */
export function checkCharacters(text: string): void {
  let position = 0;
  for (const character of text) {
    position += 1;
    const codePoint = character.codePointAt(0) as number;
    if (codePoint === SLASH || !hasCodePoint(NOT_IN_SEGMENTS, codePoint)) continue;
    const name = FORBIDDEN.find(([low, high]) => low <= codePoint && codePoint <= high)?.[2];
    const which = { 0: "a NUL", 9: "a tab", 10: "a line break", 13: "a line break" }[codePoint] ?? name;
    const hex = codePoint.toString(16).toUpperCase().padStart(4, "0");
    throw new PathProblem(`character ${position} is ${which} (U+${hex}), which no path may hold; remove it`);
  }
}

/**
 * A path with a drive letter is one of another machine's, wherever it came from.
 *
 * @throws PathProblem when the text begins with one
 */
export function checkDrive(text: string): void {
  if (!/^[A-Za-z]:/.test(text)) return;
  throw new PathProblem(
    `${quote(text)} begins with a drive letter; name paths relative to the root of the repository, separated by "/"`,
  );
}

const encoder = new TextEncoder();

/** Length in UTF-8, which is what limits of paths are counted in. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}
