import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { HistoryError, type PastFeature, readHistory } from "./history.ts";
import { planFeatures } from "./planned-feature.ts";

function read(text: string): PastFeature[] {
  const folder = mkdtempSync(join(tmpdir(), "nexus-history-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "history.jsonl");
  writeFileSync(file, text);
  return readHistory(file);
}

test("a history is read in its order, with or without further fields and empty lines", () => {
  const lines = ['{"id":"#2","start":1,"end":2,"files":["b"],"lines":4}', "", '{"id":"#1","files":[],"lines":0}', ""];
  expect(read(lines.join("\n")).map(({ id, files, lines }) => [id, files, lines])).toEqual([
    ["#2", ["b"], 4],
    ["#1", [], 0],
  ]);
});

test("what is no feature is refused with its line", () => {
  const good = '{"id":"a","files":["x"],"lines":1}';
  for (const bad of [
    "{",
    "null",
    '{"id":"a","files":"x","lines":1}',
    '{"id":"a","files":[1],"lines":1}',
    '{"files":[],"lines":1}',
    '{"id":"a","files":[],"lines":-1}',
  ]) {
    expect(() => read(`${good}\n${bad}\n`)).toThrow(/line 2/);
  }
  expect(() => read("\n")).toThrow(HistoryError);
});

test("features are planned with slugs of their own and a bounded hold, and those that no claim takes are left out", () => {
  const tooMany = Array.from({ length: 513 }, (_, index) => `f${index}`);
  const { planned, skipped } = planFeatures(
    [
      { id: "#1", files: ["a", "a"], lines: 100 },
      { id: "1", files: tooMany.slice(1), lines: 3_000 },
      { id: "#3", files: tooMany, lines: 1 },
    ],
    2,
  );
  expect(planned.map(({ slug, files, holdMs }) => [slug, files.length, holdMs])).toEqual([
    ["1", 1, 200],
    ["1-2", 512, 500],
  ]);
  expect(skipped).toEqual([{ id: "#3", why: expect.stringContaining("513") }]);
});
