import { expect, test } from "vitest";
import { percentile } from "./percentile.ts";

test("a percentile is the smallest value that so many do not exceed", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([50, 99, 100, 0.5].map((percent) => percentile(hundred, percent))).toEqual([50, 99, 100, 1]);
  expect(percentile([30, 10, 20], 50)).toBe(20);
  expect(percentile([10, 9], 99)).toBe(10);
});

test("nothing has no percentile", () => {
  expect(percentile([], 50)).toBeUndefined();
});

test("the values stay in their order", () => {
  const values = [3, 1, 2];
  percentile(values, 50);
  expect(values).toEqual([3, 1, 2]);
});
