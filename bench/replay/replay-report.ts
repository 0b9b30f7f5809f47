import { basename } from "node:path";
import { findOverlappingHolds, type OverlappingHolds } from "./overlapping-holds.ts";
import { percentile } from "./percentile.ts";
import type { ReplayOptions } from "./replay-options.ts";
import type { ReplayOutcome } from "./run-replay.ts";

/** What is printed of a replay, and whether it went as it has to. */
export interface ReplayReport {
  readonly text: string;
  /** Why the replay failed; empty when it did not. */
  readonly failures: readonly string[];
}

/** Overlapping holds that are shown one by one. */
const SHOWN_OVERLAPS = 5;

/** Judges a run: with claims no two holds may overlap, without them some have to, and every feature was held once. */
export function reportReplay(options: ReplayOptions, outcome: ReplayOutcome): ReplayReport {
  const { record, features, skipped } = outcome;
  const filesOf = new Map(features.map(({ slug, files }) => [slug, files]));
  const overlaps = findOverlappingHolds(record.holds, (slug) => filesOf.get(slug) ?? []);
  const title = `${basename(options.file)}, ${options.agents} agents, ${options.claims ? `look-ahead ${options.lookAhead}` : "without claims"}, ${options.msPerLine} ms a line`;
  const left = skipped.map(({ id, why }) => `left out: ${id}, because ${why}\n`).join("");
  return {
    text: `\n${title}\n${left}\n${table(rows(options, outcome, overlaps.length))}`,
    failures: failuresOf(options, outcome, overlaps),
  };
}

function rows(
  { claims }: ReplayOptions,
  { record, seconds, serverCpuSeconds }: ReplayOutcome,
  overlaps: number,
): readonly (readonly [name: string, value: string, note?: string])[] {
  const { holds, pickMs, refusalMs } = record;
  const cpuMs = serverCpuSeconds === undefined ? undefined : (serverCpuSeconds * 1_000) / pickMs.length;
  const measured = [
    ["refusals", String(refusalMs.length)],
    ["seconds", seconds.toFixed(1)],
    ["pick latency p50", ms(percentile(pickMs, 50))],
    ["pick latency p99", ms(percentile(pickMs, 99))],
    ["refusal latency p50", ms(percentile(refusalMs, 50))],
    ["refusal latency p99", ms(percentile(refusalMs, 99))],
    ["server CPU per pick", ms(cpuMs), "of all calls of the run; the database's own is not in it"],
  ] as const;
  return [
    ["features done", String(holds.length)],
    ["picks", String(pickMs.length)],
    ...(claims ? measured : ([["seconds", seconds.toFixed(1)]] as const)),
    ["overlapping holds", String(overlaps)],
  ];
}

function failuresOf(
  { claims }: ReplayOptions,
  { record, features }: ReplayOutcome,
  overlaps: readonly OverlappingHolds[],
): string[] {
  const failures: string[] = [];
  const wrong = record.notHeldOnce(features.map(({ slug }) => slug));
  if (wrong.length > 0) {
    const some = wrong.slice(0, SHOWN_OVERLAPS).map(({ slug, times }) => `${slug} ${times} times`);
    failures.push(`${wrong.length} features were not held exactly once: ${some.join(", ")}`);
  }
  if (claims && overlaps.length > 0) {
    const some = overlaps.slice(0, SHOWN_OVERLAPS).map(({ first, second, file }) => {
      return `  agent ${first.agent} with ${first.slug} and agent ${second.agent} with ${second.slug}: ${file}`;
    });
    failures.push(`two agents held the same file at the same time:\n${some.join("\n")}`);
  }
  if (!claims && overlaps.length === 0) {
    failures.push("the check is broken: nobody asked for a claim, and it found no overlap");
  }
  return failures;
}

function table(entries: readonly (readonly [name: string, value: string, note?: string])[]): string {
  const nameWidth = Math.max(...entries.map(([name]) => name.length));
  const valueWidth = Math.max(...entries.map(([, value]) => value.length));
  return entries
    .map(([name, value, note]) => {
      const line = `  ${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}`;
      return `${note === undefined ? line : `${line}   (${note})`}\n`;
    })
    .join("");
}

function ms(value: number | undefined): string {
  return value === undefined ? "-" : `${value.toFixed(1)} ms`;
}
