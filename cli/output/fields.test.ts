import { expect, test } from "vitest";
import { formatFields } from "./fields.ts";

const FIELDS = [
  ["touches", "src/auth.ts  src/ui/login/**  docs/login.md"],
  ["spec", ""],
  ["id", "0d3b1c52"],
] as const;

test("a long value goes on under itself on a terminal, and is one line in a pipe", () => {
  expect(formatFields(FIELDS, { width: 40, color: false })).toBe(
    "touches  src/auth.ts  src/ui/login/**\n         docs/login.md\nid       0d3b1c52\n",
  );
  expect(formatFields(FIELDS, { width: undefined, color: false })).toBe(
    "touches  src/auth.ts  src/ui/login/**  docs/login.md\nid       0d3b1c52\n",
  );
});
