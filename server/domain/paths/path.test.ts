import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overlap } from "./overlap.ts";
import { parsePattern } from "./parse-pattern.ts";
import { type FilePath, filePathToPattern, parseFilePath } from "./path.ts";
import { PathProblem } from "./path-problem.ts";

function path(text: string): FilePath {
  const parsed = parseFilePath(text);
  if (parsed instanceof PathProblem) throw parsed;
  return parsed;
}

test.each([
  ["./src//a.ts", "src/a.ts"],
  ["src/x/../a.ts", "src/a.ts"],
  ["src/", "src"],
  ["a*b?{c,d", "a*b?{c,d"],
  ["glob:x", "glob:x"],
  ["cafe\u0301", "caf\u00e9"],
])("the path %j is %j", (text, normal) => {
  expect(path(text)).toBe(normal);
});

test.each(["", ".", "../a", "/a", "C:/a", "a\\b", " a", "a\n", ".git/HEAD", "a".repeat(256)])(
  "%j is no path",
  (text) => {
    expect(parseFilePath(text)).toBeInstanceOf(PathProblem);
  },
);

describe("the pattern of a path", () => {
  test("covers it and what lies below, and shows it as it is spelled", () => {
    const pattern = filePathToPattern(path("Src/[id]/a.ts"), { caseSensitive: false });
    expect(pattern).toEqual({
      text: "Src/[id]/a.ts",
      alternatives: [{ segments: ["src", "[id]", "a.ts"], tree: true }],
    });
  });

  test("takes wildcards in file names for themselves", () => {
    const pattern = filePathToPattern(path("a*.ts"), { caseSensitive: false });
    const other = parsePattern("ab.ts", { caseSensitive: false });
    expect(other).not.toBeInstanceOf(PathProblem);
    if (!(other instanceof PathProblem)) expect(overlap(pattern, other)).toBeUndefined();
  });

  test("has a text that parses to the same pattern", () => {
    const piece = fc.constantFrom(..."*?{},[]!ab/.:", "glob:", "É");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, caseSensitive) => {
        const parsed = parseFilePath(pieces.join(""));
        if (parsed instanceof PathProblem) return;
        const pattern = filePathToPattern(parsed, { caseSensitive });
        expect(parsePattern(pattern.text, { caseSensitive })).toEqual(pattern);
      }),
      { numRuns: 5_000 },
    );
  });
});
