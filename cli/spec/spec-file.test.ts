import { expect, test } from "vitest";
import { formatSpecFile, parseSpecFile, SPEC_TEMPLATE } from "./spec-file.ts";

test("front matter is read in the forms that people write, the rest is the spec", () => {
  const text = [
    "---",
    "Title: 'Log in: with a token'",
    "# a comment",
    "lane: now",
    "touches:",
    "  - src/auth.ts",
    "  - app/[id]/**",
    "- '#docs/login.md'",
    "depends_on: [base, search]",
    "---",
    "# Log in",
    "",
    "---",
    "as before",
    "",
  ].join("\r\n");

  expect(parseSpecFile(text)).toEqual({
    title: "Log in: with a token",
    lane: "now",
    touches: ["src/auth.ts", "app/[id]/**", "#docs/login.md"],
    dependsOn: ["base", "search"],
    spec: "# Log in\n\n---\nas before",
  });
});

test("a list on one line keeps the commas within braces", () => {
  expect(parseSpecFile("---\ntouches: src/{a,b}.ts, docs\n---\n").touches).toEqual(["src/{a,b}.ts", "docs"]);
});

test("without front matter the first heading is the title", () => {
  expect(parseSpecFile("\ufeffSome words.\n\n# Log in\nmore\n")).toEqual({
    title: "Log in",
    spec: "Some words.\n\n# Log in\nmore",
  });
});

test("what is written out is read back as it was", () => {
  const file = {
    slug: "login",
    title: "Log in: now",
    lane: "now",
    touches: ["src/{a,b}.ts", "app/[id]/**"],
    dependsOn: ["base"],
    spec: "# Log in\n\n---\nmore",
  };

  expect(parseSpecFile(formatSpecFile(file))).toEqual(file);
});

test("the template says nothing yet", () => {
  expect(parseSpecFile(SPEC_TEMPLATE)).toEqual({ lane: "next", touches: [], dependsOn: [], spec: "" });
});

test.each([
  ["---\ntitle: a\n", "line 1"],
  ["---\ntitel: a\n---\n", 'line 2 of the spec can\'t be read: it is none of "slug:", "title:"'],
  ["---\ntitle: a\ntitle: b\n---\n", "line 3"],
  ["---\ntitle: a\n- b\n---\n", "line 3"],
  ["---\nlane now\n---\n", "line 2"],
])("%j is refused with its line", (text, message) => {
  expect(() => parseSpecFile(text)).toThrow(message);
});
