import fc from "fast-check";
import { expect, test } from "vitest";
import { foldCodePoint, foldText } from "./fold.ts";

const everyCodePoint = Array.from({ length: 0x110000 }, (_, codePoint) => codePoint).filter(
  (c) => c < 0xd800 || c > 0xdfff,
);

test("every code point folds to one that a regular expression under iu takes for the same", () => {
  const wrong = everyCodePoint.filter((codePoint) => {
    const folded = foldCodePoint(codePoint);
    return (
      folded !== codePoint && !new RegExp(`^\\u{${folded.toString(16)}}$`, "iu").test(String.fromCodePoint(codePoint))
    );
  });
  expect(wrong).toEqual([]);
});

test("code points that differ in case only fold to the same one", () => {
  const wrong = everyCodePoint.filter((codePoint) => {
    const character = String.fromCodePoint(codePoint);
    return [character.toUpperCase(), character.toLowerCase()].some((other) => {
      const otherCodePoint = other.codePointAt(0) as number;
      const same = String.fromCodePoint(otherCodePoint) === other && otherCodePoint !== codePoint;
      if (!same || foldCodePoint(otherCodePoint) === foldCodePoint(codePoint)) return false;
      return new RegExp(`^\\u{${otherCodePoint.toString(16)}}$`, "iu").test(character);
    });
  });
  expect(wrong).toEqual([]);
});

test.each([
  ["Straße", "straße"],
  ["STRASSE", "strasse"],
  ["ΣΑΣ", "σασ"],
  ["Iİıi", "iİıi"],
  ["\u212a", "k"],
  ["Ꭰꭰᏸ", "ᎠᎠᏰ"],
  ["ﬅ", "ﬆ"],
  ["E\u0301", "\u00e9"],
])("%s folds to %s", (text, folded) => {
  expect(foldText(text)).toBe(folded);
});

test("folding a folded text changes nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const folded = foldText(text.normalize("NFC"));
      expect(foldText(folded)).toBe(folded);
    }),
    { numRuns: 5_000 },
  );
});
