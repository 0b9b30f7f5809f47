import type { Alternative, Pattern, Segment, Token } from "../../domain/paths/pattern.ts";

/** How one brace-free alternative stands in the index; lua/index.lua says what the fields mean. */
export interface IndexTerm {
  readonly kind: "tree" | "file" | "glob";
  readonly at: string;
  readonly head: string;
  readonly tail: string;
  readonly alternative: string;
}

/** Longest ending, in characters, that the index tells files and globs apart by. */
const TAIL_LENGTH = 32;

/** The terms of a pattern: where its alternatives stand in the index. */
export function indexTerms(pattern: Pattern): IndexTerm[] {
  return pattern.alternatives.map(indexTerm);
}

function indexTerm(alternative: Alternative): IndexTerm {
  const { segments, tree } = alternative;
  const firstWildcard = segments.findIndex((segment) => typeof segment !== "string");
  const literals = firstWildcard < 0 ? segments : segments.slice(0, firstWildcard);
  const at = literals.map((segment) => `${String(segment)}/`).join("");
  const tail = tree ? "" : tailOf(segments.at(-1) ?? 0);
  if (firstWildcard < 0) {
    return { kind: tree ? "tree" : "file", at, head: "", tail, alternative: "" };
  }
  return {
    kind: "glob",
    at,
    head: headOf(segments[firstWildcard] ?? 0),
    tail,
    alternative: JSON.stringify(alternative),
  };
}

/** The literal characters that a wildcard segment begins with. */
function headOf(segment: Segment): string {
  const tokens = tokensOf(segment);
  return literalRun(tokens);
}

/** The literal characters that a path's last segment ends with, reversed; a whole segment ends with the `/` before it. */
function tailOf(segment: Segment): string {
  const reversed = literalRun(tokensOf(segment).toReversed());
  const whole = typeof segment === "string" ? `${reversed}/` : reversed;
  return [...whole].slice(0, TAIL_LENGTH).join("");
}

function tokensOf(segment: Segment): readonly Token[] {
  if (typeof segment === "string") {
    return Array.from(segment, (character) => character.codePointAt(0) ?? 0);
  }
  return segment === 0 ? [] : segment;
}

function literalRun(tokens: readonly Token[]): string {
  const end = tokens.findIndex((token) => typeof token !== "number" || token < 0);
  const run = (end < 0 ? tokens : tokens.slice(0, end)) as readonly number[];
  return String.fromCodePoint(...run);
}
