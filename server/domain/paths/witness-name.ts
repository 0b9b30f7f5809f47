import { ANY, STAR, type Token } from "./pattern.ts";
import { CHARACTER, CHARACTERS, common, isShort, ONLY_DOT, shortOverlap } from "./segment-overlap.ts";
import { type CommonItem, commonSequences } from "./sequence-overlap.ts";

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
  // Nicer than an end alone: "x.ts" for "*.ts".
  const start = a.tokens[0] === STAR && b.tokens[0] === STAR ? FILLER : "";
  for (const items of candidates(a.tokens, b.tokens)) {
    const name = start + items.map((item) => characterOf(a, b, item)).join("");
    if (!["", ".", ".."].includes(name)) return name;
  }
  throw new Error("the segments have no name in common");
}

function* candidates(a: readonly Token[], b: readonly Token[]): Generator<readonly CommonItem[]> {
  const budget = { steps: Number.POSITIVE_INFINITY };
  const partners: number[] = [];
  const other = (at: number): number | undefined => ((partners[at] ?? -1) < 0 ? undefined : partners[at]);
  if (isShort(a)) {
    if (shortOverlap(a, b, budget, partners)) yield a.map((_, at) => ({ a: at, b: other(at) }));
  } else if (isShort(b)) {
    if (shortOverlap(b, a, budget, partners)) yield b.map((_, at) => ({ a: other(at), b: at }));
  } else {
    yield* commonSequences(a, b, CHARACTERS);
  }
}

function characterOf(a: SpelledTokens, b: SpelledTokens, item: CommonItem): string {
  const at = ({ tokens, spelled }: SpelledTokens, index: number | undefined) =>
    index === undefined ? ([ANY, ANY] as const) : ([tokens[index] as Token, spelled[index]] as const);
  return choose(...at(a, item.a), ...at(b, item.b));
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
