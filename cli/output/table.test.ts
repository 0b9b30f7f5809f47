import { expect, test } from "vitest";
import { type Column, formatTable } from "./table.ts";

interface Row {
  readonly slug: string;
  readonly title: string;
  readonly holder: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: "feature", cell: ({ slug }) => slug },
  { heading: "title", cell: ({ title }) => title, flexible: true },
  { heading: "held by", cell: ({ holder }) => holder, flexible: true },
];
const ROWS: readonly Row[] = [
  { slug: "login", title: "Log in with a password, a token, or single sign-on", holder: "Ana (claude)" },
  { slug: "base", title: "Base", holder: "" },
];
const PIPE = { width: undefined, color: false };

test("columns are aligned, and nothing is cut in a pipe", () => {
  expect(formatTable(COLUMNS, ROWS, PIPE)).toBe(
    [
      "feature  title                                               held by",
      "login    Log in with a password, a token, or single sign-on  Ana (claude)",
      "base     Base",
      "",
    ].join("\n"),
  );
});

test("a table is never wider than the terminal as long as a flexible column can be cut", () => {
  const lines = formatTable(COLUMNS, ROWS, { width: 40, color: false }).split("\n");

  expect(lines.map((line) => line.length <= 40)).toEqual([true, true, true, true]);
  expect(lines[1]).toBe("login    Log in with a pa…  Ana (claude)");
});

test("where cutting is not enough each row is shown as fields, and what people copy is whole", () => {
  const rows = [
    { slug: "a-very-long-slug-indeed", title: "Some title", holder: "" },
    { slug: "base", title: "Base", holder: "" },
  ];

  expect(formatTable(COLUMNS, rows, { width: 30, color: false })).toBe(
    ["feature  a-very-long-slug-indeed", "title    Some title", "", "feature  base", "title    Base", ""].join("\n"),
  );
});

test("a column that is empty everywhere is left out, and so is a table without rows", () => {
  expect(formatTable(COLUMNS, ROWS.slice(1), PIPE)).toBe("feature  title\nbase     Base\n");
  expect(formatTable(COLUMNS, [], PIPE)).toBe("");
});

test("wide characters take two columns, and controls can't reach the terminal", () => {
  const rows = [
    { slug: "日本", title: "evil \u001b[2J\r\n title\u202e", holder: "" },
    { slug: "four", title: "x", holder: "" },
  ];

  expect(formatTable(COLUMNS, rows, PIPE)).toBe(
    ["feature  title", "日本     evil \\u{1b}[2J\\u{d}\\u{a} title\\u{202e}", "four     x", ""].join("\n"),
  );
});

test("what a reader would not see is written out", () => {
  const hidden = "a\u061cb\u00adc\u{e0041}d\u{e0101}e";

  expect(formatTable(COLUMNS, [{ slug: hidden, title: "", holder: "" }], PIPE)).toContain(
    "a\\u{61c}b\\u{ad}c\\u{e0041}d\\u{e0101}e",
  );
});
