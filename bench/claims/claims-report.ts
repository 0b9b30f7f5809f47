import { percentile } from "../replay/percentile.ts";
import type { MeasuredAdversary } from "./adversaries.ts";
import type { BenchProject } from "./bench-store.ts";
import type { Measured } from "./measure-operation.ts";
import { type Operation, TEN_PATHS } from "./operations.ts";

/** What was measured of one operation, by how much was held. */
export interface OperationResult {
  readonly operation: Operation;
  readonly sizes: readonly (Measured & { readonly held: number; readonly naive: readonly number[] })[];
}

const MOST_GROWTH = 2;
const MOST_FOR_TEN_PATHS = 1_000;

/** The tables, and the targets that were missed. Times in milliseconds. */
export function reportClaims(
  operations: readonly OperationResult[],
  adversaries: readonly MeasuredAdversary[],
  projects: readonly Pick<BenchProject, "held" | "bytesPerPath">[],
): { readonly text: string; readonly misses: readonly string[] } {
  const misses: string[] = [];
  const rows = [
    ["asked for", "held", "redis p50", "p99", "× of least", "client p50", "p99", "naive p50", "× of index"],
  ];
  for (const { operation, sizes } of operations) {
    for (const [number, { held, insideRedis, atClient, naive }] of sizes.entries()) {
      const p50 = at(insideRedis, 50);
      const growth = p50 / at(sizes[0]?.insideRedis ?? [], 50);
      rows.push([
        number === 0 ? operation.name : "",
        String(held),
        ms(p50),
        ms(at(insideRedis, 99)),
        growth.toFixed(2),
        ms(at(atClient, 50)),
        ms(at(atClient, 99)),
        ms(at(naive, 50)),
        (at(naive, 50) / p50).toFixed(0),
      ]);
      const what = `${operation.name}, ${held} held`;
      if (growth > MOST_GROWTH) misses.push(`${what}: ${growth.toFixed(2)} × as long as with the least`);
      if (operation.name === TEN_PATHS && p50 > MOST_FOR_TEN_PATHS) misses.push(`${what}: ${ms(p50)} ms`);
    }
  }
  const slow = [["entries made to be slow", "answer", "redis p50", "p99", "processor p50", "may take"]];
  for (const { name, outcome, insideRedis, ofProcessor, mostMicros } of adversaries) {
    const p50 = at(ofProcessor, 50);
    slow.push([name, outcome, ms(at(insideRedis, 50)), ms(at(insideRedis, 99)), ms(p50), ms(mostMicros)]);
    if (p50 > mostMicros) misses.push(`${name}: ${ms(p50)} ms of the processor`);
  }
  const memory = projects.map(({ held, bytesPerPath }) => [String(held), bytesPerPath.toFixed(0)]);
  const tables = [rows, slow, [["paths held", "bytes of memory each"], ...memory]];
  return { text: `${[...tables.map(table), targets(misses)].join("\n\n")}\n`, misses };
}

function targets(misses: readonly string[]): string {
  if (misses.length > 0) return `targets missed: ${misses.length}`;
  return [
    "every target met, by p50:",
    `  at most ${MOST_GROWTH} × as long inside Redis as with the least held`,
    `  ten files under ${ms(MOST_FOR_TEN_PATHS)} ms inside Redis`,
    "  entries made to be slow within what they may take of the processor",
  ].join("\n");
}

function at(values: readonly number[], percent: number): number {
  return percentile(values, percent) ?? Number.NaN;
}

function ms(micros: number): string {
  return (micros / 1_000).toFixed(3);
}

/** Columns: the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    )
    .join("\n");
}
