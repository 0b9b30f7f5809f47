import { expect, test } from "vitest";
import { cleanBlock, cleanLine, jsonLine } from "./clean-text.ts";

// A clear screen, a C1 control sequence, a reversed reading, a tag nobody sees, a lone surrogate.
const ACTING = "a\u001b[2J\u009b31m\u202eb\u{e0041}\ud800\r\n\tc";

test("nothing that a terminal acts on is left, but the lines and tabs of a block", () => {
  expect(cleanLine(ACTING)).toBe("a\\u{1b}[2J\\u{9b}31m\\u{202e}b\\u{e0041}\\u{d800}\\u{d}\\u{a}\\u{9}c");
  expect(cleanBlock(ACTING)).toBe("a\\u{1b}[2J\\u{9b}31m\\u{202e}b\\u{e0041}\\u{d800}\n\tc");
});

test("JSON has them escaped, and means what was written", () => {
  const line = jsonLine({ title: ACTING });

  expect(line).toMatch(/^[ -~]+\n$/);
  expect(JSON.parse(line)).toEqual({ title: ACTING });
});
