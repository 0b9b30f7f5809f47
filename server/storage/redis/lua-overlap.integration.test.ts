import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { alternativesOverlap } from "../../domain/paths/overlap.ts";
import { parsePattern } from "../../domain/paths/parse-pattern.ts";
import type { Pattern } from "../../domain/paths/pattern.ts";
import { type ShapeLimits, shapeOf, shapeToText } from "../../domain/paths/testing/entry-shape.ts";
import { assertProperty, PROPERTY_TIMEOUT_MS } from "../../testing/assert-property.ts";
import prelude from "./lua/overlap.lua";

/** Every pattern with every pattern: what was answered, and what is left of the steps. */
const script = `${prelude}
local patterns = cjson.decode(ARGV[1])
local replies = {}
for _, a in ipairs(patterns) do
  for _, b in ipairs(patterns) do
    local budget = { steps = tonumber(ARGV[2]) }
    local answer = alternatives_overlap(a, b, budget)
    replies[#replies + 1] = tostring(answer) .. " " .. budget.steps
  end
end
return replies`;

const limits: readonly (readonly [name: string, limits: ShapeLimits])[] = [
  ["names", { parts: 1, pieces: 5, letters: "ab.", classes: ["ab", "a.", ".b", "!a", "!.", "!ab", "a-cx-z", "!b-y"] }],
  ["folders", { parts: 6, pieces: 1, letters: "aB", classes: [] }],
  ["names with many stars", { parts: 1, pieces: 8, letters: "ab", classes: [], starry: true }],
  ["folders with many **", { parts: 8, pieces: 1, letters: "ab", classes: [], starry: true }],
  ["paths", { parts: 4, pieces: 3, letters: "ab.", classes: ["ab", "!a"] }],
  ["paths beyond ASCII", { parts: 2, pieces: 4, letters: "aÉß中ﬀ😀", classes: ["à-ü", "!é", "一-中😀", "!😀"] }],
];

/** Entries that are compared each with each in one call, and how many such groups of each kind: 207,360 pairs together. */
const GROUP = 48;
const GROUPS = 15;

let redis: Redis;

beforeAll(() => {
  redis = new Redis(inject("redisUrl"));
});

afterAll(() => {
  redis.disconnect();
});

describe("Lua answers as TypeScript does, in as many steps", () => {
  test.each(limits)(
    "for generated %s",
    async (_, shapeLimits) => {
      const choices = fc.array(fc.nat({ max: 999 }), { maxLength: 40, size: "max" });
      const groups = fc.array(choices, { minLength: GROUP, maxLength: GROUP });
      const steps = fc.oneof(fc.constant(1_000_000), fc.nat({ max: 60 }));
      await assertProperty(
        fc.asyncProperty(groups, steps, async (group, budget) => {
          await expectSameAnswers(
            group.map((numbers) => shapeToText(shapeOf(numbers, shapeLimits))),
            budget,
          );
        }),
        GROUPS,
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  test("for names of dots", async () => {
    await expectSameAnswers(
      ["?.", "*.*", "*.", ".*", "?", "??", "???", "glob:[.a]", "glob:[.b]", "glob:[.a][.b]"],
      1_000,
    );
  });

  test("for entries made to be slow", async () => {
    const slow = [
      `${"*a".repeat(60)}*`,
      `${"*b".repeat(60)}*`,
      `${"**/a/".repeat(20)}**`,
      `${"**/*a*/".repeat(20)}b*`,
      `{${"a,".repeat(63)}b}/**/*x*`,
      `glob:**/${"[!a-z]*[0-9é-ü]".repeat(10)}`,
      "a/".repeat(60),
      "é".repeat(100),
    ];
    await expectSameAnswers(slow, 10_000_000);
    await expectSameAnswers(slow, 1_000);
  });
});

async function expectSameAnswers(texts: readonly string[], steps: number): Promise<void> {
  const compiled = texts.map((text) => parsed(text).alternatives);
  const replies = (await redis.eval(script, 0, JSON.stringify(compiled), steps)) as string[];

  const expected = compiled.flatMap((a) =>
    compiled.map((b) => {
      const budget = { steps };
      const answer = alternativesOverlap(a, b, budget);
      return `${answer === undefined ? "nil" : answer} ${budget.steps}`;
    }),
  );
  const label = (index: number): string =>
    `${texts[Math.floor(index / texts.length)]} with ${texts[index % texts.length]}: `;
  expect(replies.map((reply, index) => label(index) + reply)).toEqual(
    expected.map((reply, index) => label(index) + reply),
  );
}

function parsed(text: string): Pattern {
  const pattern = parsePattern(text, { caseSensitive: false });
  if (pattern instanceof Error) throw pattern;
  return pattern;
}
