import { percentile } from "../replay/percentile.ts";
import type { QueueResult } from "./measure-queue.ts";
import type { ReadResult } from "./measure-reads.ts";

/** What a read may take at the 95th percentile. */
const MOST_READ_MS = 50;

/** The tables, and the targets that were missed. Times in milliseconds. */
export function report(
  queues: readonly { readonly name: string; readonly result: QueueResult }[],
  reads: readonly ReadResult[],
): { readonly text: string; readonly misses: readonly string[] } {
  const misses: string[] = [];
  const queueRows = [["queue", "picks/s", "pick p50", "p95", "nothing", "p50", "server CPU per feature"]];
  for (const { name, result } of queues) {
    const { features, seconds, pickMs, nothingMs, serverCpuSeconds } = result;
    const cpu = serverCpuSeconds === undefined ? "" : ((serverCpuSeconds * 1_000) / features).toFixed(1);
    const rate = (features / seconds).toFixed(0);
    queueRows.push([name, rate, at(pickMs, 50), at(pickMs, 95), String(nothingMs.length), at(nothingMs, 50), cpu]);
  }
  const readRows = [["read", "p50", "p95", "server CPU", "sequential scans"]];
  for (const { name, ms, cpuMs, scans } of reads) {
    readRows.push([name, at(ms, 50), at(ms, 95), cpuMs.toFixed(1), String(scans)]);
    if ((percentile(ms, 95) ?? 0) > MOST_READ_MS) misses.push(`${name}: ${at(ms, 95)} ms at p95, over ${MOST_READ_MS}`);
    if (scans > 0) misses.push(`${name}: ${scans} sequential scans`);
  }
  return { text: `${table(queueRows)}\n${table(readRows)}`, misses };
}

function at(ms: readonly number[], percent: number): string {
  return percentile(ms, percent)?.toFixed(1) ?? "";
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}
