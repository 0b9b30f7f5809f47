import type { Alternative, Segment, Token } from "./pattern.ts";
import { segmentsOverlap } from "./segment-overlap.ts";
import { type Language, type StepBudget, sequencesOverlap } from "./sequence-overlap.ts";

/** A segment that reads exactly one name. */
export type Name = Exclude<Segment, 0>;

/** A reading as a sequence of segments; every segment reads some name. */
export const NAMES: Language<Segment> = {
  star: 0,
  meet: (x, y, budget) => namesOverlap(x as Name, y as Name, budget),
};

/**
 * Whether some path is read by both.
 *
 * @returns false also when the budget is used up: look at it
 */
export function alternativeOverlaps(a: Alternative, b: Alternative, budget: StepBudget): boolean {
  budget.steps -= 1;
  return sequencesOverlap(sequenceOf(a), sequenceOf(b), NAMES, budget);
}

/** The segments of a reading; a plain literal goes on with whatever lies below it. */
export function sequenceOf({ segments, tree }: Alternative): readonly Segment[] {
  return tree ? [...segments, NAMES.star] : segments;
}

/** Whether two segments read a name in common. */
export function namesOverlap(x: Name, y: Name, budget: StepBudget): boolean {
  budget.steps -= 1;
  if (typeof x === "string") {
    if (typeof y === "string") return x === y;
    return !endDiffers(x, y) && segmentsOverlap(tokensOf(x), y, budget);
  }
  if (typeof y === "string" && endDiffers(y, x)) return false;
  return segmentsOverlap(x, tokensOf(y), budget);
}

/** A segment as tokens; a literal as its code points. */
export function tokensOf(name: Name): readonly Token[] {
  return typeof name === "string" ? Array.from(name, (character) => character.codePointAt(0) as number) : name;
}

/** Spares most literals from being taken apart. Only ASCII is looked at: what lies above is compared once taken apart. */
function endDiffers(literal: string, tokens: readonly Token[]): boolean {
  return (
    differs(tokens[0] as Token, literal.charCodeAt(0)) ||
    differs(tokens.at(-1) as Token, literal.charCodeAt(literal.length - 1))
  );
}

function differs(token: Token, code: number): boolean {
  return typeof token === "number" && token >= 0 && token < 0x80 && token !== code;
}
