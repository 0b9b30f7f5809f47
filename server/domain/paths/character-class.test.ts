import { describe, expect, test } from "vitest";
import { compileClass } from "./character-class.ts";
import { hasCodePoint, toRanges } from "./code-point-ranges.ts";
import { foldCodePoint } from "./fold.ts";

/** What stands in a normalised text: composed, and in no path refused. */
const standing = Array.from({ length: 0x110000 - 0x20 }, (_, index) => index + 0x20).filter((codePoint) => {
  const character = String.fromCodePoint(codePoint);
  return (
    character.normalize("NFC") === character &&
    !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u2065\u{e0000}-\u{e007f}/]/u.test(character)
  );
});

/** What is between the characters of each pair, both included. */
function members(pairs: readonly string[], caseSensitive: boolean): (codePoint: number) => boolean {
  const token = compileClass({ negated: false, ranges: toRanges(pairs.map(rangeOf)) }, caseSensitive);
  return (codePoint) => (typeof token === "number" ? token === codePoint : hasCodePoint(token.slice(1), codePoint));
}

function rangeOf(pair: string): readonly [low: number, high: number] {
  const [low, high = low] = Array.from(pair, (character) => character.codePointAt(0) as number);
  return [low as number, high as number];
}

describe.each([
  [["az"]],
  [["Xb"]],
  [["Àž"]],
  [["ΈϿ"]],
  [["Ѐԯ", "é"]],
  [["℀⅏"]],
  [["Ꭰ᏿"]],
  [[" ~", "一龥"]],
  [["ᲐᲿ", "ﬀﬆ"]],
  [["𐐀𐐧"]],
  [["!\u{efffd}"]],
])("the class of %j", (pairs) => {
  test("reads a folded character exactly when a regular expression under iu reads the character", () => {
    const has = members(pairs, false);
    const written = (codePoint: number): string => `\\u{${codePoint.toString(16)}}`;
    const expression = new RegExp(`^[${pairs.map((pair) => rangeOf(pair).map(written).join("-")).join("")}]$`, "iu");
    const wrong = standing.filter(
      (codePoint) => expression.test(String.fromCodePoint(codePoint)) !== has(foldCodePoint(codePoint)),
    );
    expect(wrong.map((codePoint) => codePoint.toString(16))).toEqual([]);
  });
});

test("where case counts, a class reads what it names and no more", () => {
  const has = members(["AZ"], true);
  expect([..."AZaz@["].filter((character) => has(character.codePointAt(0) as number))).toEqual(["A", "Z"]);
});

test("a class whose elements fold to one character is that character", () => {
  const ranges = toRanges([
    [0x41, 0x41],
    [0x61, 0x61],
  ]);
  expect(compileClass({ negated: false, ranges }, false)).toBe(0x61);
  expect(compileClass({ negated: true, ranges }, false)).toEqual([1, 0x61, 0x61]);
});

test("a class reads a character in whatever form it was written", () => {
  const has = members(["\u0370\u0387", "\u212b\u212b"], false);
  // The Greek question mark and the Ångström sign are composed to others in every path.
  for (const character of ";·å") expect(has(character.codePointAt(0) as number), character).toBe(true);
  expect(has(0x37e)).toBe(false);
});

test("a class holds no separator and nothing that no path may hold", () => {
  const has = members([".0", "\ud7ff\ue000", "\u2000\u2100"], false);
  for (const codePoint of [0x2f, 0xd800, 0xdfff, 0x200b, 0x202e, 0x2028]) expect(has(codePoint)).toBe(false);
  for (const codePoint of [0x2e, 0x30, 0xe000, 0x2010]) expect(has(codePoint)).toBe(true);
});
