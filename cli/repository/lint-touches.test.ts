import { expect, test } from "vitest";
import { filesForPatterns, lintTouches } from "./lint-touches.ts";

const FILES = ["src/auth.ts", "src/ui/login.ts", "README.md"];

test("a touch that is no file or folder yet is named, with the file that may be meant", () => {
  expect(lintTouches(["src/auht.ts", "src/ui", "src/ui/", "./README.md", "src/**", "lib/new.go"], FILES)).toEqual([
    "warning: there is no src/auht.ts here yet; src/auth.ts may be meant",
    "warning: there is no lib/new.go here yet",
  ]);
});

test("without a list of files nothing is said", () => {
  expect(lintTouches(["src/auht.ts"], [])).toEqual([]);
});

test("the server gets the files only where there is a pattern, and not more than it takes", () => {
  const many = Array.from({ length: 100_001 }, (_, at) => `f${at}`);

  expect(filesForPatterns(["src/**"], FILES)).toEqual(FILES);
  expect(filesForPatterns(["src/auth.ts"], FILES)).toEqual([]);
  expect(filesForPatterns(["**"], many)).toEqual([]);
  expect(filesForPatterns(["**"], ["x".repeat(6_000_001)])).toEqual([]);
});
