import { ANY, STAR, type Token } from "./pattern.ts";
import { CHARACTER, common, NO_CHARACTER, ONLY_DOT, read, segmentsOverlap, UNREACHED } from "./segment-overlap.ts";

/** The tokens of a segment and the same ones as spelled by the caller: of one length. */
export interface SpelledTokens {
  readonly tokens: readonly Token[];
  readonly spelled: readonly Token[];
}

/** What is read where the choice is free. */
const FILLER = "x";
/** Tried in this order where a class leaves a choice. */
const PREFERRED = [...`${FILLER}abcdefghijklmnopqrstuvwyz0123456789_-+=@#!~^&%$,;()[]{}éжα中`];
/** In every negated class, since no class reaches so high. */
const LAST_RESORT = 0xf0000;

/**
 * A name that both segments read, which they must have in common; with plain letters where the choice is free.
 */
export function witnessName(a: SpelledTokens, b: SpelledTokens): string {
  const rows: Uint8Array[] = [];
  if (!segmentsOverlap(a.tokens, b.tokens, { steps: Number.POSITIVE_INFINITY }, rows)) {
    throw new Error("the segments have no name in common");
  }
  const stateAt = (i: number, j: number): number => rows[i]?.[j] ?? UNREACHED;

  const characters: string[] = [];
  let i = a.tokens.length;
  let j = b.tokens.length;
  let state = stateAt(i, j);
  while (i > 0 || j > 0) {
    const ways = waysInto(a, b, i, j, stateAt);
    let way = ways.find((candidate) => candidate.result === state);
    if (way === undefined) {
      // Two stars made it a name here; then it does not matter how they were come to.
      characters.push(FILLER);
      way = ways[0] as Way;
    }
    if (way.character !== undefined) characters.push(way.character());
    i = way.i;
    j = way.j;
    state = stateAt(i, j);
  }
  if (a.tokens[0] === STAR && b.tokens[0] === STAR) characters.push(FILLER);
  return characters.reverse().join("");
}

/** One step of the product automaton into a state: from where, what it makes of the state there, what it reads. */
interface Way {
  readonly i: number;
  readonly j: number;
  readonly result: number;
  readonly character?: () => string;
}

function waysInto(
  a: SpelledTokens,
  b: SpelledTokens,
  i: number,
  j: number,
  stateAt: (i: number, j: number) => number,
): readonly Way[] {
  const x = a.tokens[i - 1];
  const y = b.tokens[j - 1];
  const ways: Way[] = [];
  const add = (from: { i: number; j: number }, both?: number, character?: () => string): void => {
    const before = stateAt(from.i, from.j);
    if (before === UNREACHED || both === NO_CHARACTER) return;
    ways.push({ ...from, result: both === undefined ? before : read(before, both), character });
  };
  if (x === STAR) add({ i: i - 1, j });
  if (y === STAR) add({ i, j: j - 1 });
  if (x !== undefined && x !== STAR && b.tokens[j] === STAR) {
    add({ i: i - 1, j }, common(x, ANY), () => choose(x, a.spelled[i - 1], ANY, ANY));
  }
  if (y !== undefined && y !== STAR && a.tokens[i] === STAR) {
    add({ i, j: j - 1 }, common(y, ANY), () => choose(ANY, ANY, y, b.spelled[j - 1]));
  }
  if (x !== undefined && y !== undefined && x !== STAR && y !== STAR) {
    add({ i: i - 1, j: j - 1 }, common(x, y), () => choose(x, a.spelled[i - 1], y, b.spelled[j - 1]));
  }
  return ways;
}

/** A character that both tokens read, as a literal of either is spelled. */
function choose(x: Token, spelledX: Token | undefined, y: Token, spelledY: Token | undefined): string {
  const literal = [
    [x, spelledX],
    [y, spelledY],
  ].find(([token]) => typeof token === "number" && token !== ANY);
  if (literal !== undefined) {
    const [token, spelled] = literal;
    return String.fromCodePoint((typeof spelled === "number" && spelled >= 0 ? spelled : token) as number);
  }
  const readable = (codePoint: number, least: number): boolean =>
    codePoint >= 0 && common(x, codePoint) >= least && common(y, codePoint) >= least;
  const preferred = PREFERRED.find((character) => readable(character.codePointAt(0) as number, CHARACTER));
  if (preferred !== undefined) return preferred;
  // Where two sets meet, each run of what they share begins where a range of one begins, or just after one left out.
  const starts = [x, y].flatMap((token) => (typeof token === "number" ? [] : startsOf(token)));
  const best = starts.find((start) => readable(start, CHARACTER)) ?? starts.find((start) => readable(start, ONLY_DOT));
  return String.fromCodePoint(isNegated(x) && isNegated(y) ? LAST_RESORT : (best ?? LAST_RESORT));
}

function startsOf(token: readonly number[]): number[] {
  const isStart = (_: number, index: number): boolean => index > 0 && (index % 2 === 1) !== (token[0] === 1);
  return token.filter(isStart).map((edge) => (token[0] === 1 ? edge + 1 : edge));
}

function isNegated(token: Token): boolean {
  return token === ANY || (typeof token !== "number" && token[0] === 1);
}
