// `make bench-choosing`: how fast fifty agents get through a queue, with conflicts and without, and what reading a project
// of a thousand features costs. See docs/choosing.md.
import { createNexusClient } from "@nexus/client";
import { type BenchServers, startBenchServers } from "./choosing/bench-servers.ts";
import { report } from "./choosing/choosing-report.ts";
import { measureQueue } from "./choosing/measure-queue.ts";
import { measureReads } from "./choosing/measure-reads.ts";
import { StoppedError, stopSignal } from "./process/stop-signal.ts";

const AGENTS = Number(process.env["AGENTS"] ?? 50);
const FEATURES = Number(process.env["FEATURES"] ?? 200);
const READ_FEATURES = Number(process.env["READ_FEATURES"] ?? 1_000);
const RUNS = Number(process.env["RUNS"] ?? 100);
const CALL_TIMEOUT_MS = 60_000;

async function main(): Promise<number> {
  const signal = stopSignal(() => process.stderr.write("\nstopping; the servers first\n"));
  await using servers = await startBenchServers(signal);
  const stopped = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  return await Promise.race([measure(servers), stopped]);
}

async function measure(servers: BenchServers): Promise<number> {
  const { apiKey } = await createNexusClient({ baseUrl: servers.url }).auth.register({
    name: "bench",
    email: "bench@example.invalid",
  });
  const client = createNexusClient({ baseUrl: servers.url, apiKey, binary: true, timeoutMs: CALL_TIMEOUT_MS });
  const own = (index: number) => `src/own/file-${index}.ts`;
  const hot = (index: number) => `src/hot/file-${Math.floor(index / 3) % 12}.ts`;
  const planned = (paths: (index: number) => string[]) =>
    Array.from({ length: FEATURES }, (_, index) => ({ slug: `f-${index}`, paths: paths(index) }));
  const queues = [];
  for (const [name, paths] of [
    ["no two overlap", (index: number) => [own(index)]],
    [
      "every third touches one of twelve hot files",
      (index: number) => [own(index), ...(index % 3 ? [] : [hot(index)])],
    ],
    [
      "the same, and a folder above all of them",
      (index: number) => (index === 20 ? ["src"] : [own(index), ...(index % 3 ? [] : [hot(index)])]),
    ],
  ] as const) {
    process.stderr.write(`${AGENTS} agents, ${FEATURES} features: ${name}\n`);
    const result = await measureQueue(client, servers.url, planned(paths), AGENTS);
    queues.push({ name, result });
  }
  process.stderr.write(`a project of ${READ_FEATURES} features\n`);
  const reads = await measureReads(client, servers, apiKey, READ_FEATURES, RUNS);
  client.close();
  const { text, misses } = report(queues, reads);
  process.stdout.write(text);
  for (const miss of misses) process.stderr.write(`bench-choosing: ${miss}\n`);
  return misses.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof StoppedError) process.exit(error.exitCode);
    process.stderr.write(
      `bench-choosing: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
