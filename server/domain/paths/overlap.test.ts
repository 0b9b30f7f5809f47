import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { alternativesOverlap, overlap } from "./overlap.ts";
import { parsePattern } from "./parse-pattern.ts";
import { PathProblem } from "./path-problem.ts";
import type { Pattern } from "./pattern.ts";

function parsed(text: string, caseSensitive = false): Pattern {
  const pattern = parsePattern(text, { caseSensitive });
  if (pattern instanceof PathProblem) throw pattern;
  return pattern;
}

function witness(a: string, b: string): string | undefined {
  return overlap(parsed(a), parsed(b));
}

interface Case {
  readonly a: string;
  readonly b: string;
  readonly expect: boolean | "invalid";
  readonly note: string;
}

/** A longer list that may lie beside the repository; an excerpt of it stands here. */
const list = new URL("../../../../shared/data/overlap-cases.json", import.meta.url);
const excerpt: readonly Case[] = [
  { a: "src/foo", b: "src/foo.ts", expect: false, note: "the name of one begins like the other's" },
  { a: "package.json", b: "packages/a/package.json", expect: false, note: "a literal is anchored at the root" },
  { a: "../other/a.ts", b: "other/a.ts", expect: "invalid", note: "refused, not clamped" },
  { a: "src/**", b: "src", expect: true, note: "a folder and what it holds" },
  { a: "a/**/b", b: "a/**/c", expect: false, note: "the last names differ" },
  { a: "straße.md", b: "STRASSE.md", expect: false, note: "simple folding" },
];

describe("two entries", () => {
  const listed: readonly Case[] = existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : [];
  if (listed.length === 0)
    console.info(`the longer list of cases is not here; ${excerpt.length} of its cases are tested`);

  test.each([...excerpt, ...listed])("$a and $b: $expect ($note)", ({ a, b, expect: expected }) => {
    if (expected === "invalid") {
      expect(parsePattern(a, { caseSensitive: false })).toBeInstanceOf(PathProblem);
    } else {
      expect(witness(a, b) !== undefined).toBe(expected);
      expect(witness(b, a) !== undefined).toBe(expected);
    }
  });
});

describe("the witness", () => {
  test.each([
    ["src", "src", "src"],
    ["src", "src/auth/login.ts", "src/auth/login.ts"],
    ["src/**", "src/a/b/c.ts", "src/a/b/c.ts"],
    ["src/**/a.ts", "src/a.ts", "src/a.ts"],
    ["src/**", "src", "src/x"],
    ["src/auth", "**/*.ts", "src/auth/x.ts"],
    ["src/*.ts", "src/a*", "src/a.ts"],
    ["src/a*", "src/*b", "src/ab"],
    ["*", "**", "x"],
    ["a/**/z", "a/b/**/z", "a/b/z"],
    ["?", "??", undefined],
    ["glob:[!x]", "?", "a"],
    ["glob:[!a-z]", "glob:[!0-9]", "_"],
    ["glob:[!-~]", "glob:[!a-zA-Z0-9]", "_"],
    ["glob:[! -~]", "?", "é"],
    ["glob:[! -\u{e0fff}]", "?", "\u{f0000}"],
    ["glob:[ϰϱ]", "glob:[Α-Ω]", "κ"],
    ["glob:[ä-ü]", "glob:[!à-é]", "ê"],
    ["{a,b}.ts", "{c,b}.*", "b.ts"],
    ["😀*", "😀a", "😀a"],
  ])("of %s and %s is %s", (a, b, expected) => {
    expect(witness(a, b)).toBe(expected);
  });

  test.each([
    ["Src/App.ts", "src/app.ts", "Src/App.ts"],
    ["src/app.ts", "Src/App.ts", "src/app.ts"],
    ["*.ts", "README.TS", "README.TS"],
    ["**", "Docs/Setup.md", "Docs/Setup.md"],
    ["*.Test.ts", "Login*", "Login.Test.ts"],
    ["Src", "src/Auth/*.TS", "Src/Auth/x.TS"],
    ["{x,Src/A}/*", "src/a/B", "Src/A/B"],
    ["glob:[aA]B", "ab", "ab"],
    ["J\u030cX*", "?y*", undefined],
    ["J\u030cX*", "?*", "\u01f0x"],
  ])("of %s and %s is spelled as they are: %s", (a, b, expected) => {
    expect(witness(a, b)).toBe(expected);
  });
});

describe("what no path can be called is no overlap", () => {
  test.each([
    ["glob:[.a]", "glob:[.b]", undefined],
    ["glob:[.a][.a]", "glob:[.b][.b]", undefined],
    ["glob:[.a][.a][.a]", "glob:[.b][.b][.b]", "..."],
    ["glob:.*", "glob:[.a]", undefined],
    ["glob:.*", "glob:[.a]*", ".x"],
    ["?.", "*.*", "x."],
    ["a/?/b", "{a/b,c}", undefined],
    ["a/*/b", "{a/b,c}", undefined],
  ])("%s and %s: %s", (a, b, expected) => {
    expect(witness(a, b)).toBe(expected);
    expect(witness(b, a) !== undefined).toBe(expected !== undefined);
  });
});

test("where case counts, names of other case are other files", () => {
  expect(overlap(parsed("src/Foo.ts", true), parsed("src/foo.ts", true))).toBeUndefined();
  expect(overlap(parsed("src/*.TS", true), parsed("src/a.ts", true))).toBeUndefined();
  expect(overlap(parsed("glob:[A-Z]x", true), parsed("?x", true))).toBe("Ax");
});

describe("the work is bounded by the product of the sizes", () => {
  const stars = (letter: string): string => `${`*${letter}`.repeat(100)}*`;
  test.each([
    ["stars in a name", stars("a"), stars("b")],
    ["stars in a name that end differently", `${"*a".repeat(100)}b`, `${"*a".repeat(100)}c`],
    ["folders of any depth", `${"**/a/".repeat(31)}**`, `${"**/b/".repeat(31)}**`],
    ["folders of any depth that end differently", `${"**/a/".repeat(30)}*b*`, `${"**/a/".repeat(30)}*c?`],
    ["stars in folders of any depth", `${"**/*a*b*/".repeat(30)}*c`, `${"**/*b*a*/".repeat(30)}*d*`],
    ["64 readings", `{${"*a*b,".repeat(63)}*b*c}/**/x*`, `{${"*c*d,".repeat(63)}*e*f}/**/*y`],
    ["wide classes", `glob:${"[À-ž]*".repeat(20)}`, `glob:${"[!-~]*".repeat(20)}é`],
  ])("%s", (_, one, other) => {
    const [a, b] = [parsed(one), parsed(other)];
    const budget = { steps: 0 };
    const limit = 2 * size(a) * size(b);
    budget.steps = limit;

    expect(alternativesOverlap(a.alternatives, b.alternatives, budget)).toBe(overlap(a, b) !== undefined);
    expect(budget.steps).toBeGreaterThanOrEqual(0);
  });

  test.each([
    ["stars in names", `${stars("a")}b`, `${stars("b")}b`, 10],
    ["folders of any depth", `${"**/a/".repeat(31)}**`, `${"**/b/".repeat(31)}**`, 10],
    ["stars in folders of any depth", `${"**/*a*b*/".repeat(30)}*c`, `${"**/*b*a*/".repeat(30)}*d*`, 10],
    ["a long name", `${"*a".repeat(120)}*b*`, "a".repeat(255), 260],
  ])("and mostly only by their beginnings and ends: %s", (_, one, other, most) => {
    const budget = { steps: most };
    alternativesOverlap(parsed(one).alternatives, parsed(other).alternatives, budget);
    expect(budget.steps).toBeGreaterThanOrEqual(0);
  });

  test.each([
    ["a/b/c", "a/b/c", 4],
    ["a/b/c", "d/e/f", 2],
    ["a/**", "a/**", 3],
    ["{a,b}", "{c,d}", 8],
    ["?*", "*?", 2],
    ["a*b*c", "abbbc", 5],
    ["glob:[!ab]", "glob:[ac]", 8],
  ])("so that %s and %s take %i steps", (one, other, steps) => {
    const budget = { steps: 100 };
    alternativesOverlap(parsed(one).alternatives, parsed(other).alternatives, budget);
    expect(100 - budget.steps).toBe(steps);
  });

  test.each([
    ["in names", `*${"a".repeat(100)}b*`, "a".repeat(250)],
    ["in folders", `**/${"*a/".repeat(30)}*b/**`, `${"*a/".repeat(63)}a`],
  ])("and without an answer the work ends with the budget %s", (_, one, other) => {
    const budget = { steps: 300 };
    expect(alternativesOverlap(parsed(one).alternatives, parsed(other).alternatives, budget)).toBeUndefined();
    expect(budget.steps).toBeGreaterThan(-300);
  });
});

/** Positions of the automata, over all readings: ends included, and each range of a class. */
function size({ alternatives }: Pattern): number {
  let sum = 0;
  for (const { segments } of alternatives) {
    sum += 2;
    for (const segment of segments) {
      const tokens = segment === 0 ? [] : typeof segment === "string" ? [...segment] : segment.flat();
      sum += 2 + tokens.length;
    }
  }
  return sum;
}
