import fc from "fast-check";
import { expect, test } from "vitest";
import { headsMayMeet, literalHead } from "./literal-head.ts";
import { overlap } from "./overlap.ts";
import { parsePattern } from "./parse-pattern.ts";
import { shapeOf, shapeToText } from "./testing/entry-shape.ts";

const limits = { parts: 3, pieces: 2, letters: "aAbK\u212a.", classes: ["ab", "!a"] };
const entry = fc.array(fc.nat({ max: 999 }), { maxLength: 24 }).map((numbers) => shapeToText(shapeOf(numbers, limits)));

test("entries that overlap have heads that may meet", () => {
  fc.assert(
    fc.property(entry, entry, (a, b) => {
      const [one, other] = [a, b].map((text) => parsePattern(text, { caseSensitive: false }));
      if (one === undefined || other === undefined || one instanceof Error || other instanceof Error) return true;
      return overlap(one, other) === undefined || headsMayMeet(literalHead(one.text), literalHead(other.text));
    }),
    { numRuns: 5_000 },
  );
});

test.each([
  ["src/auth.ts", "src/auth.tsx"],
  ["src/ui/**", "src/uix"],
  ["packages/a/*.ts", "packages/b/c.ts"],
])("%s and %s are told apart at a glance", (a, b) => {
  expect(headsMayMeet(literalHead(a), literalHead(b))).toBe(false);
});
