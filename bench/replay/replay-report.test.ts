import { expect, test } from "vitest";
import type { Hold } from "./overlapping-holds.ts";
import { readReplayOptions } from "./replay-options.ts";
import { reportReplay } from "./replay-report.ts";
import { RunRecord } from "./run-record.ts";

const FEATURES = ["a", "b"].map((slug) => ({ id: slug, slug, files: ["same.ts"], holdMs: 1 }));

function report(claims: "on" | "off", ...holds: readonly (readonly [slug: string, start: bigint, end: bigint])[]) {
  const record = new RunRecord();
  for (const [slug, start, end] of holds) {
    const hold: Hold = { slug, agent: 1, start, end };
    record.add({ kind: "picked", latencyMs: 3 });
    record.add({ kind: "done", hold });
  }
  record.add({ kind: "refused", latencyMs: 2 });
  const options = readReplayOptions({ FILE: "history.jsonl", CLAIMS: claims });
  return reportReplay(options, { record, features: FEATURES, skipped: [], seconds: 1.5, serverCpuSeconds: 0.004 });
}

test("a run without overlap is good with claims, and tells its figures", () => {
  const { text, failures } = report("on", ["a", 0n, 10n], ["b", 10n, 20n]);
  expect(failures).toEqual([]);
  for (const row of [
    /features done +2\n/,
    /picks +2\n/,
    /refusals +1\n/,
    /seconds +1\.5\n/,
    /overlapping holds +0\n/,
  ]) {
    expect(text).toMatch(row);
  }
  expect(text).toMatch(/pick latency p50 +3\.0 ms\n/);
  expect(text).toMatch(/server CPU per pick +2\.0 ms/);
});

test("an overlap fails a run with claims, and names both agents' features and the file", () => {
  const { text, failures } = report("on", ["a", 0n, 10n], ["b", 9n, 20n]);
  expect(text).toMatch(/overlapping holds +1\n/);
  expect(failures).toEqual([expect.stringMatching(/with a and .* with b: same\.ts/)]);
});

test("without claims an overlap is what has to be found", () => {
  expect(report("off", ["a", 0n, 10n], ["b", 9n, 20n]).failures).toEqual([]);
  expect(report("off", ["a", 0n, 10n], ["b", 10n, 20n]).failures).toEqual([expect.stringContaining("broken")]);
});

test("a feature that was never held, or held twice, fails the run", () => {
  const { failures } = report("on", ["a", 0n, 10n], ["a", 10n, 20n]);
  expect(failures).toEqual([expect.stringMatching(/a 2 times, b 0 times/)]);
});
