import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePattern } from "./parse-pattern.ts";
import { PathProblem } from "./path-problem.ts";
import { ANY, type Pattern, STAR } from "./pattern.ts";

function parsed(text: string, caseSensitive = false): Pattern {
  const pattern = parsePattern(text, { caseSensitive });
  if (pattern instanceof PathProblem) throw pattern;
  return pattern;
}

function refusal(text: string): string {
  const problem = parsePattern(text, { caseSensitive: false });
  return problem instanceof PathProblem ? problem.description : `taken as ${problem.text}`;
}

describe("is refused, with what to write instead", () => {
  test.each([
    ["", 'write "**" for the whole repository'],
    [".", 'write "**"'],
    ["./", 'write "**"'],
    ["src/..", 'write "**"'],
    ["/src/a.ts", 'write "src/a.ts"'],
    ["//server/share", 'write "server/share"'],
    ["/", '"**" for all of it'],
    ["../a.ts", "leads out of the repository"],
    ["src/../../a.ts", "leads out of the repository"],
    ["src\\a.ts", 'write "src/a.ts"'],
    ["\\\\server\\share", 'write "server/share"'],
    ["C:\\repo\\a.ts", "drive letter"],
    ["c:/repo/a.ts", "drive letter"],
    ["C:a.ts", "drive letter"],
    ["./C:/a.ts", "drive letter"],
    ["glob:C:/*.ts", "drive letter"],
    ["{C:,D:}/a.ts", "drive letter"],
    [" src", 'write "src"'],
    ["src\u00a0", 'write "src"'],
    ["glob: src/*", "white space"],
    ["src /..//a /", "white space"],
    ["{a, b}.ts", "white space"],
    ["src/{a ,b}.ts", "white space"],
    ["a\u0000b", "character 2 is a NUL"],
    ["a\tb", "character 2 is a tab"],
    ["a\nb", "character 2 is a line break"],
    ["a\u2028b", "character 2 is a line break"],
    ["a\u007fb", "a control character (U+007F)"],
    ["a\u0085b", "a control character"],
    ["a\ud800b", "a lone surrogate"],
    ["\udc00", "a lone surrogate"],
    ["a\u202eb", "a bidirectional control"],
    ["a\u2066b", "a bidirectional control"],
    ["a\u200bb", "a zero-width character"],
    ["\ufeffa", "character 1 is a zero-width character"],
    ["a\u{e0041}", "an invisible tag character"],
    [".git", "git's own folder"],
    [".git/config", "git's own folder"],
    ["vendor/lib/.GIT/hooks", "git's own folder"],
    ["{src,.Git}/x", "git's own folder"],
    ["glob:.gi[t]/x", "git's own folder"],
    ["glob:\\.git", "git's own folder"],
    ["a".repeat(256), "255 bytes"],
    ["é".repeat(128), "255 bytes"],
    [`${"a/".repeat(64)}a`, "65 segments"],
    [`${"a".repeat(200)}/`.repeat(6), "1024 bytes"],
    ["x".repeat(100_000), "1024 bytes"],
    ["src/*/", 'write "src/*/**"'],
    ["{src,test}/", 'write "{src,test}/**"'],
    ["src/{,a}", 'ends with "/" after a wildcard'],
    ["{,a}", "names the whole repository"],
    ["{,a}/b", "absolute"],
    ["*/../a", 'write the path without ".."'],
    ["src/**/../a", 'write the path without ".."'],
    ["src/{..,a}/../..", 'write the path without ".."'],
    ["src/{a,../..}/b", "leads out of the repository"],
    ["{a/}/../b,c}", 'write the path without ".."'],
    ["{a,b", 'add "}"'],
    ["src/{a,{b}", 'add "}"'],
    ["glob:{a,b", 'add "}"'],
    ["{a,b}".repeat(7), "more than 64 readings"],
    ["{a,b}".repeat(200), "more than 64 readings"],
    [`{${"a".repeat(200)},${"b,".repeat(62)}c}${"/d".repeat(40)}${"e".repeat(200)}`, "split it into several entries"],
    ["glob:[ab", '"[" is not closed'],
    ["glob:[]", '"[" is not closed'],
    ["glob:[a\\", '"[" is not closed'],
    ["glob:[a/b]", 'a "/" stands inside'],
    ["glob:[z-a]", "runs backwards"],
    ["glob:[^a]", 'write "[!"'],
    ["glob:[[:alpha:]]", 'as in "[a-z]"'],
    ["glob:[\u{f0000}]", "private-use"],
    ["glob:src/a\\", "escapes nothing"],
    ["glob:src\\/a", "can't be escaped"],
    ["glob:[.]/a", 'can only stand for "."'],
    ["glob:a/[.][.]", 'can only stand for ".."'],
    ["glob:", "names the whole repository"],
  ])("%j", (text, hint) => {
    expect(refusal(text)).toContain(hint);
  });
});

describe("is brought into its normal form", () => {
  test.each([
    ["src/a.ts", "src/a.ts"],
    ["./src//./a.ts", "src/a.ts"],
    ["src/x/../a.ts", "src/a.ts"],
    ["src/", "src"],
    ["src//", "src"],
    ["src/.", "src"],
    ["./src/*.ts", "src/*.ts"],
    ["src/./{a,b/../c}/d", "src/{a,b/../c}/d"],
    ["glob:./src/[ab]", "glob:src/[ab]"],
    ["glob:src//\\*", "glob:src/\\*"],
    ["./glob:a", "./glob:a"],
    ["src/../glob:*", "./glob:*"],
    ["SRC/Cafe\u0301.ts", "SRC/Caf\u00e9.ts"],
    ["...", "..."],
    [".gitignore", ".gitignore"],
    ["a".repeat(255), "a".repeat(255)],
    [`${"a/".repeat(63)}a`, `${"a/".repeat(63)}a`],
  ])("%j as %j", (text, normal) => {
    expect(parsed(text).text).toBe(normal);
  });

  test("which parses to the same pattern again, whatever was written", () => {
    const piece = fc.constantFrom(
      ...".././/*?{},[]!-\\ab",
      "..",
      "**",
      "/",
      "glob:",
      "{a,",
      "É",
      "e\u0301",
      "ﬅ",
      "\u0345",
      "{b/../",
      " ",
    );
    let taken = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.boolean(), fc.boolean(), (pieces, glob, caseSensitive) => {
        const first = parsePattern((glob ? "glob:" : "") + pieces.join(""), { caseSensitive });
        if (first instanceof PathProblem) return;
        taken += 1;
        expect(parsePattern(first.text, { caseSensitive })).toEqual(first);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(2_000);
  });
});

describe("is compiled", () => {
  const codes = (text: string): number[] => [...text].map((character) => character.codePointAt(0) as number);

  test.each([
    ["SRC/Auth", [{ segments: ["src", "auth"], tree: true }]],
    ["app/[id]/(x)!#@$+{y}", [{ segments: ["app", "[id]", "(x)!#@$+{y}"], tree: true }]],
    ["src/*.TS", [{ segments: ["src", [STAR, ...codes(".ts")]], tree: false }]],
    ["src/?", [{ segments: ["src", [ANY]], tree: false }]],
    ["**", [{ segments: [0, [STAR]], tree: false }]],
    ["src/**", [{ segments: ["src", 0, [STAR]], tree: false }]],
    ["**/**/a", [{ segments: [0, "a"], tree: false }]],
    ["src/**.ts", [{ segments: ["src", [STAR, ...codes(".ts")]], tree: false }]],
    ["src/***", [{ segments: ["src", [STAR]], tree: false }]],
    [
      "{a,b/c}.ts",
      [
        { segments: ["a.ts"], tree: false },
        { segments: ["b", "c.ts"], tree: false },
      ],
    ],
    [
      "{a,{b,c}}",
      [
        { segments: ["a"], tree: false },
        { segments: ["b"], tree: false },
        { segments: ["c"], tree: false },
      ],
    ],
    [
      "x{a{b,c}",
      [
        { segments: ["x{ab"], tree: false },
        { segments: ["x{ac"], tree: false },
      ],
    ],
    [
      "{a,}b",
      [
        { segments: ["ab"], tree: false },
        { segments: ["b"], tree: false },
      ],
    ],
    ["glob:a\\*b\\[\\\\", [{ segments: ["a*b[\\"], tree: true }]],
    ["glob:\\{a,b\\}", [{ segments: ["{a,b}"], tree: true }]],
    ["glob:[aA]x", [{ segments: ["ax"], tree: false }]],
    ["glob:[!a-cE]x", [{ segments: [[[1, 0x61, 0x63, 0x65, 0x65], 0x78]], tree: false }]],
    ["glob:[]a]", [{ segments: [[[0, 0x5d, 0x5d, 0x61, 0x61]]], tree: false }]],
    ["glob:[a-]", [{ segments: [[[0, 0x2d, 0x2d, 0x61, 0x61]]], tree: false }]],
    ["glob:[{,}]", [{ segments: [[[0, 0x2c, 0x2c, 0x7b, 0x7b, 0x7d, 0x7d]]], tree: false }]],
    ["glob:[\\]\\-]", [{ segments: [[[0, 0x2d, 0x2d, 0x5d, 0x5d]]], tree: false }]],
  ])("%s", (text, alternatives) => {
    expect(parsed(text).alternatives).toEqual(alternatives);
  });

  test("and .git is refused in any case, also where case counts", () => {
    expect(parsePattern("a/.Git/x", { caseSensitive: true })).toBeInstanceOf(PathProblem);
  });

  test("without folding where case counts", () => {
    expect(parsed("Src/*.TS", true).alternatives).toEqual([
      { segments: ["Src", [STAR, ...codes(".TS")]], tree: false },
    ]);
  });

  test("so that a character composed over a brace or an escape is the composed one", () => {
    expect(parsed("{e,x}\u0301").alternatives[0]).toEqual({ segments: ["\u00e9"], tree: false });
    expect(parsed("glob:e\\\u0301").alternatives[0]).toEqual({ segments: ["\u00e9"], tree: true });
  });
});
