import { expect, test } from "vitest";
import { PathInvalidError } from "../errors.ts";
import { parsePatterns } from "./parse-patterns.ts";

const field = (index: number): string => `touches[${index}].path`;

test("every bad entry is named by its field", () => {
  const parse = (): unknown => parsePatterns(["src", "../a", "b", ""], { caseSensitive: false }, field);

  expect(parse).toThrow(PathInvalidError);
  expect(parse).toThrow(/touches\[1\]\.path: "\.\.\/a" leads out .*; touches\[3\]\.path: it is empty/);
});

test("good entries come back in order", () => {
  const patterns = parsePatterns(["src/", "*.ts"], { caseSensitive: false }, field);
  expect(patterns.map(({ text }) => text)).toEqual(["src", "*.ts"]);
});
