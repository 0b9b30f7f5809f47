import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { relativeTime } from "./relative-time.ts";

const NOW = new Date("2026-11-22T12:00:00Z");

test.each([
  [0, "now"],
  [-400, "now"],
  [-59_000, "59 s ago"],
  [-180_000, "3 min ago"],
  [299_900, "in 5 min"],
  [-2 * 3_600_000, "2 h ago"],
  [-49 * 3_600_000, "2 d ago"],
])("%d ms from now is told as %j", (offset, expected) => {
  expect(relativeTime(timestampFromMs(NOW.getTime() + offset), NOW)).toBe(expected);
});

test("no time is told as nothing", () => {
  expect(relativeTime(undefined, NOW)).toBe("");
});
