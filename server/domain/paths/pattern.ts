/**
 * The compiled form of the path language: what both claim stores keep and compare. It is JSON as it stands, so the
 * same value goes to Lua; stores never see anything that is not folded and normalised yet.
 *
 * Segments are never empty and never `.` or `..`: where a wildcard could read them, the overlap test leaves them out.
 */

/** A token that matches any one character of a segment: `?`. */
export const ANY = -1;
/** A token that matches any run of characters of a segment, also none: `*`. Never stands next to another one. */
export const STAR = -2;

/**
 * One position in a wildcard segment: a Unicode code point, `ANY`, `STAR`, or a character class as
 * `[negated, low, high, low, high, …]` where `negated` is 0 or 1 and the ranges are inclusive code points, in rising
 * order, apart from each other. No range reaches above U+EFFFF, so that two negated classes always share a character.
 */
export type Token = number | readonly number[];

/**
 * One path segment: its literal text, `0` for `**` (any number of segments, also none), or the tokens of a wildcard
 * segment. A `**` at the end of an entry stands for at least one segment and is compiled as `0` followed by `[STAR]`.
 */
export type Segment = string | 0 | readonly Token[];

/** One brace-free reading of an entry. `tree` is true for a plain literal: it covers everything below it as well. */
export interface Alternative {
  readonly segments: readonly Segment[];
  readonly tree: boolean;
}

/** A parsed entry of the path language. */
export interface Pattern {
  /** The normal form in the spelling that was given; what people are shown. Parsing it again gives the same pattern. */
  readonly text: string;
  /** The compiled readings: 1 to 64. */
  readonly alternatives: readonly Alternative[];
}
