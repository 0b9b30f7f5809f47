/**
 * Simple case folding of one code point (statuses C and S of Unicode's CaseFolding.txt): never more than one code
 * point long, so `ß` stays `ß` and is not `ss`, and `?` keeps meaning one character.
 *
 * JavaScript has no such function. Lower case of upper case is the same mapping wherever both are one code point long,
 * but for the exceptions below; the test compares it with what regular expressions do under `iu`, for every code point.
 */
export function foldCodePoint(codePoint: number): number {
  if (codePoint < 0x80) return codePoint >= 0x41 && codePoint <= 0x5a ? codePoint + 0x20 : codePoint;
  if (codePoint === DOTLESS_I) return codePoint;
  if (codePoint === LONG_S_T) return LONG_S_T + 1;
  const character = String.fromCodePoint(codePoint);
  const upper = onlyCodePoint(character.toUpperCase()) ?? codePoint;
  // Cherokee folds to its upper case, which is the older of the two.
  if (upper >= 0x13a0 && upper <= 0x13f5) return upper;
  return onlyCodePoint(String.fromCodePoint(upper).toLowerCase()) ?? codePoint;
}

/** Folds a text code point by code point, then composes it (NFC) again. */
export function foldText(text: string): string {
  let folded = "";
  for (const character of text) folded += String.fromCodePoint(foldCodePoint(character.codePointAt(0) as number));
  return folded.normalize("NFC");
}

/** Its upper case is `I`, but only Turkish folds the two together. */
const DOTLESS_I = 0x131;
/** The ligature `ſt` (U+FB05) has no upper case of one character; it folds to `st` (U+FB06). */
const LONG_S_T = 0xfb05;

function onlyCodePoint(text: string): number | undefined {
  const codePoint = text.codePointAt(0) as number;
  return String.fromCodePoint(codePoint) === text ? codePoint : undefined;
}
