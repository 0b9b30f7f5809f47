// `make bench-knowledge`: what searches and lists cost where much is known. See docs/knowledge.md.
import { fileURLToPath } from "node:url";
import { LARGE_CORPUS } from "../server/testing/knowledge-corpus.ts";
import { startBenchServer } from "./knowledge/bench-server.ts";
import { QUESTIONS } from "./knowledge/questions.ts";
import { percentile } from "./replay/percentile.ts";

const RUNS = Number(process.env["RUNS"] ?? 200);
const WARM_UP = 20;
/** Of every question, for 95 of 100. */
const MOST_MS = 50;
/** From bench/dist, where this is bundled to. */
const SERVER = fileURLToPath(new URL("../../server/dist/main.js", import.meta.url));

async function main(): Promise<number> {
  const { features, learnings, decisions, checkpoints } = LARGE_CORPUS;
  process.stderr.write(
    `filling two projects with ${features} features and ${learnings + decisions + checkpoints} entries each\n`,
  );
  const bench = await startBenchServer(SERVER, LARGE_CORPUS);
  try {
    const results = QUESTIONS.map((question) => ({ question, times: [] as number[] }));
    // One question after the other, so that a machine that slows down does so for all of them.
    for (let run = -WARM_UP; run < RUNS; run++) {
      for (const { question, times } of results) {
        const begin = performance.now();
        await question.ask(bench.client, bench.projectId, run + WARM_UP);
        if (run >= 0) times.push(performance.now() - begin);
      }
    }
    return report(results.map(({ question, times }) => ({ name: question.name, times })));
  } finally {
    await bench.stop();
  }
}

function report(results: readonly { readonly name: string; readonly times: readonly number[] }[]): number {
  const ms = (times: readonly number[], percent: number) => (percentile(times, percent) ?? Number.NaN).toFixed(1);
  const width = Math.max(...results.map(({ name }) => name.length));
  const rows = results.map(({ name, times }) =>
    [name.padEnd(width), ...[50, 95, 99].map((percent) => ms(times, percent).padStart(7))].join("  "),
  );
  const heading = [" ".repeat(width), ...["p50", "p95", "p99"].map((name) => name.padStart(7))].join("  ");
  process.stdout.write(`${[heading, ...rows].join("\n")}\n\n`);
  const missed = results.filter(({ times }) => (percentile(times, 95) ?? Number.POSITIVE_INFINITY) > MOST_MS);
  process.stdout.write(
    missed.length === 0 ? `every target met: p95 under ${MOST_MS} ms\n` : `targets missed: ${missed.length}\n`,
  );
  for (const { name, times } of missed) process.stderr.write(`bench-knowledge: ${name}: p95 ${ms(times, 95)} ms\n`);
  return missed.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(
      `bench-knowledge: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
