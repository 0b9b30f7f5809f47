import { compileClass } from "./character-class.ts";
import { toRanges } from "./code-point-ranges.ts";
import type { Atom } from "./entry-node.ts";
import { PathProblem, quote } from "./path-problem.ts";

/** Two negated classes must always share a character; see `Token`. What lies above is for private use. */
const LAST_IN_CLASS = 0xeffff;

/**
 * Reads a character class that begins at `characters[start]`, a `[`.
 *
 * As in a shell, a `]` right at the beginning stands for itself, and so does a `-` at either end. Forms that other
 * globs read in another way (`[^a]`, `[:alpha:]`) are refused rather than read differently.
 *
 * @throws PathProblem when it is not closed, holds a `/`, or has a range that runs backwards
 */
export function scanClass(
  characters: readonly string[],
  start: number,
  caseSensitive: boolean,
): { readonly atom: Atom; readonly next: number } {
  const malformed = (what: string): PathProblem =>
    new PathProblem(
      `${what} in ${quote(characters.slice(start).join(""))}; write "\\[" for a bracket that is meant as one`,
    );
  const negated = characters[start + 1] === "!";
  const first = start + (negated ? 2 : 1);
  if (characters[first] === "^") {
    throw new PathProblem(
      `"[^" is not in this path language; write "[!" for "none of these", or "[\\^" for the character`,
    );
  }

  const pairs: [number, number][] = [];
  let at = first;
  const element = (): number => {
    if (characters[at] === "\\") at += 1;
    const character = characters[at];
    if (character === undefined) throw malformed('a "[" is not closed');
    if (character === "/")
      throw malformed('a "/" stands inside "[ ]", which match one character of a name, or a "[" is open');
    const codePoint = character.codePointAt(0) as number;
    if (codePoint > LAST_IN_CLASS) throw malformed("a private-use character stands inside a class");
    at += 1;
    return codePoint;
  };
  while (at === first || characters[at] !== "]") {
    if (characters[at] === "[" && characters[at + 1] === ":") {
      throw new PathProblem(
        'named classes such as "[:alpha:]" are not in this path language; write the range, as in "[a-z]"',
      );
    }
    const low = element();
    if (characters[at] !== "-" || characters[at + 1] === "]" || characters[at + 1] === undefined) {
      pairs.push([low, low]);
      continue;
    }
    at += 1;
    const high = element();
    if (high < low) {
      const range = `${String.fromCodePoint(low)}-${String.fromCodePoint(high)}`;
      throw new PathProblem(`the range ${quote(range)} runs backwards; write the lower character first`);
    }
    pairs.push([low, high]);
  }
  const next = at + 1;
  const token = compileClass({ negated, ranges: toRanges(pairs) }, caseSensitive);
  return { atom: { kind: "class", token, source: characters.slice(start, next).join("") }, next };
}
