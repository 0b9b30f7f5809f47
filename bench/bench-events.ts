// `make bench-events`: how long events take from COMMIT to those who watch, and what they cost. See docs/events.md.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { EventBench, type Load, type Outcome } from "./events/event-bench.ts";
import { percentile } from "./replay/percentile.ts";

const SECONDS = Number(process.env["SECONDS_EACH"] ?? 10);
/** Above this the server does not keep up: what is on its way grows. */
const SATURATED_MS = 1_000;
/** The curve goes on from load to load until then. */
const CURVE: readonly number[] = [200, 400, 800];
const COLUMNS = [
  "watchers",
  "events/s",
  "committed/s",
  "deliveries",
  "p50 ms",
  "p99 ms",
  "max ms",
  "CPU µs each",
  "server load",
  "KiB/watcher",
  "wrong",
];

async function main(): Promise<number> {
  await using bench = await EventBench.start(dirname(fileURLToPath(import.meta.url)));
  const print = (cells: readonly string[]) =>
    process.stdout.write(`${cells.map((cell, i) => cell.padStart(COLUMNS[i]?.length ?? 0)).join("  ")}\n`);
  let wrong = 0;
  const run = async (load: Omit<Load, "seconds">): Promise<Outcome> => {
    const outcome = await bench.run({ ...load, seconds: SECONDS });
    wrong += outcome.wrong;
    for (const failure of new Set(outcome.failures)) process.stderr.write(`bench-events: ${failure}\n`);
    print(rowOf(outcome));
    return outcome;
  };
  print(COLUMNS);
  // The first run finds a server that has compiled nothing yet.
  await bench.run({ watchers: 10, eventsPerSecond: 100, seconds: 5 });
  await run({ watchers: 100, eventsPerSecond: 100 });
  await run({ watchers: 1_000, eventsPerSecond: 5 });
  for (const eventsPerSecond of CURVE) {
    const { latencies } = await run({ watchers: 100, eventsPerSecond });
    if ((percentile(latencies, 99) ?? 0) > SATURATED_MS) break;
  }
  if (wrong > 0) process.stderr.write(`bench-events: ${wrong} events were missing, twice or not in order\n`);
  return wrong > 0 ? 1 : 0;
}

function rowOf(outcome: Outcome): string[] {
  const { latencies } = outcome;
  const ms = (percent: number) => (percentile(latencies, percent) ?? Number.NaN).toFixed(1);
  return [
    String(outcome.watchers),
    String(outcome.eventsPerSecond),
    outcome.committedPerSecond.toFixed(0),
    String(outcome.deliveries),
    ms(50),
    ms(99),
    ms(100),
    outcome.cpuMicrosPerDelivery.toFixed(0),
    outcome.serverLoad.toFixed(2),
    (outcome.bytesPerWatcher / 1_024).toFixed(0),
    String(outcome.wrong),
  ];
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`bench-events: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
