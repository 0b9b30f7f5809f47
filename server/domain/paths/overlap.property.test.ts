import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assertProperty, PROPERTY_TIMEOUT_MS } from "../../testing/assert-property.ts";
import { alternativesOverlap, overlap } from "./overlap.ts";
import { parsePattern } from "./parse-pattern.ts";
import type { Pattern } from "./pattern.ts";
import { covers, everyPath } from "./testing/brute-force.ts";
import {
  type EntryShape,
  hasWildcard,
  type Part,
  type Piece,
  type ShapeLimits,
  shapeOf,
  shapeToText,
} from "./testing/entry-shape.ts";

interface Universe {
  readonly limits: ShapeLimits;
  readonly paths: readonly string[];
}

/** Small enough to try every path, large enough that what two entries have in common is nearly always among them. */
const universes: readonly (readonly [name: string, universe: Universe])[] = [
  [
    "one name of up to five characters",
    {
      limits: { parts: 1, pieces: 3, letters: "ab.A", classes: ["ab", "a.", ".b", "!a", "!.", "!ab", "!ab.", "B"] },
      paths: everyPath("abc.", 5, 1),
    },
  ],
  [
    "up to seven folders of one character",
    { limits: { parts: 4, pieces: 1, letters: "aB", classes: [] }, paths: everyPath("ab", 1, 7) },
  ],
  [
    "one name with many stars",
    {
      limits: { parts: 1, pieces: 7, letters: "ab", classes: [], starry: true },
      paths: everyPath("ab", 7, 1),
    },
  ],
  [
    "folders with many **",
    {
      limits: { parts: 7, pieces: 1, letters: "ab", classes: [], starry: true },
      paths: everyPath("ab", 1, 7),
    },
  ],
  [
    "up to three names of two characters",
    { limits: { parts: 3, pieces: 2, letters: "ab.", classes: ["ab", "a.", "!a"] }, paths: everyPath("ab.", 2, 3) },
  ],
];

/** Entries that are compared each with each, and how many such groups in each universe: 230,400 pairs together. */
const GROUP = 48;
const GROUPS = 20;

/** The choices that a shape is made of. */
const choices = fc.array(fc.nat({ max: 999 }), { maxLength: 24, size: "max" });

interface Sample {
  readonly shape: EntryShape;
  readonly pattern: Pattern;
}

function sample(numbers: readonly number[], limits: ShapeLimits): Sample {
  const shape = shapeOf(numbers, limits);
  return { shape, pattern: parsed(shapeToText(shape)) };
}

function parsed(text: string): Pattern {
  const pattern = parsePattern(text, { caseSensitive: false });
  if (pattern instanceof Error) throw pattern;
  return pattern;
}

describe.each(universes)("%s", (_, { limits, paths }) => {
  test(
    "two entries overlap when some path is covered by both, in either order, and the witness is one",
    async () => {
      const groups = fc.array(choices, { minLength: GROUP, maxLength: GROUP });
      let pairs = 0;
      let witnesses = 0;
      await assertProperty(
        fc.property(groups, (group) => {
          const samples = group.map((numbers) => sample(numbers, limits));
          const covered = samples.map(({ shape }) => Uint8Array.from(paths, (path) => (covers(shape, path) ? 1 : 0)));
          for (const [i, a] of samples.entries()) {
            for (const [j, b] of samples.entries()) {
              const shared = (covered[i] as Uint8Array).findIndex((one, at) => one === 1 && covered[j]?.[at] === 1);
              const witness = overlap(a.pattern, b.pattern);
              pairs += 1;
              if (witness !== undefined) witnesses += 1;
              if (witness === undefined ? shared < 0 : isShared(a, b, witness)) continue;
              expect.fail(
                `${a.pattern.text} and ${b.pattern.text}: witness ${witness}, by brute force ${paths[shared]}`,
              );
            }
          }
        }),
        GROUPS,
      );
      console.info(`${pairs} pairs, ${witnesses} witnesses`);
    },
    PROPERTY_TIMEOUT_MS,
  );

  test(
    "a wider entry overlaps all that the entry overlapped",
    async () => {
      await assertProperty(
        fc.property(choices, choices, fc.nat({ max: 99 }), fc.nat({ max: 4 }), (one, other, where, how) => {
          const narrow = sample(one, limits);
          const wide = parsed(shapeToText(widened(narrow.shape, where, how)));
          const against = sample(other, limits).pattern;
          if (overlap(narrow.pattern, against) !== undefined) expect(overlap(wide, against), wide.text).toBeDefined();
        }),
        2_000,
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  test(
    "a budget changes an answer only to none",
    async () => {
      await assertProperty(
        fc.property(choices, choices, fc.nat({ max: 40 }), (one, other, steps) => {
          const [a, b] = [sample(one, limits).pattern, sample(other, limits).pattern];
          const budget = { steps };
          const answer = alternativesOverlap(a.alternatives, b.alternatives, budget);
          if (answer === undefined) expect(budget.steps).toBeLessThan(0);
          else expect(answer).toBe(overlap(a, b) !== undefined);
        }),
        2_000,
      );
    },
    PROPERTY_TIMEOUT_MS,
  );
});

function isShared(a: Sample, b: Sample, witness: string): boolean {
  const names = witness.split("/");
  return names.every((name) => !["", ".", ".."].includes(name)) && covers(a.shape, witness) && covers(b.shape, witness);
}

/** An entry that covers all that this one covers, and mostly more. */
function widened(shape: EntryShape, where: number, how: number): EntryShape {
  const parts = [...shape.parts];
  const at = where % parts.length;
  const part = parts[at] as Part;
  if (!hasWildcard(shape)) return { ...shape, parts: parts.slice(0, Math.max(1, at)) };
  if (how === 0) return { ...shape, parts: [{ either: [parts, [[{ literal: "c" }]]] }] };
  if (how === 1 || part === "**" || "either" in part) parts[at] = "**";
  else if (how === 2) parts[at] = ["*"];
  else
    parts[at] = part.map(
      (piece): Piece => (piece === "*" || (typeof piece === "object" && "either" in piece) ? piece : "?"),
    );
  return { ...shape, parts };
}
