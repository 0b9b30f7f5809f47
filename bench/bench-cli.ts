// `make bench-cli`: how long commands take beside Node itself, in one run. See docs/bench.md.
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createNexusClient } from "@nexus/client";
import { createScratchDir } from "../server/testing/scratch-dir.ts";
import { startDemoServer } from "./demo/demo-server.ts";
import { percentile } from "./replay/percentile.ts";

const RUNS = Number(process.env["RUNS"] ?? 31);
const WARM_UP = 2;
const FEATURES = 50;
/** From bench/dist, where this is bundled to. */
const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const NEXUS = at("cli/bin/nexus");

/** What is measured; `most` is how many times as long as the first it may take. */
const COMMANDS = [
  { name: "node -e 0", program: process.execPath, args: ["-e", "0"] },
  { name: "nexus --version", program: NEXUS, args: ["--version"], most: 2 },
  { name: "nexus --help", program: NEXUS, args: ["--help"], most: 2 },
  { name: "nexus pick --help", program: NEXUS, args: ["pick", "--help"], most: 2 },
  { name: "nexus feature list", program: NEXUS, args: ["feature", "list"], most: 4 },
] as const satisfies readonly { name: string; program: string; args: readonly string[]; most?: number }[];

async function main(): Promise<number> {
  const scratch = await createScratchDir();
  const { PATH = "" } = process.env;
  const base = { PATH, HOME: scratch.path };
  const settings = { ...base, LOG_LEVEL: "warn", NEXUS_REGISTRATION: "open" };
  const signal = new AbortController().signal;
  const server = await startDemoServer(at("server/dist/main.js"), join(scratch.path, "data"), settings, signal);
  try {
    const env = { ...base, ...(await prepare(server.url)) };
    const cwd = join(scratch.path, "repository");
    mkdirSync(join(cwd, ".git"), { recursive: true });
    const results = COMMANDS.map((command) => ({ command, times: [] as number[] }));
    // One command after the other, so that a machine that slows down does so for all of them.
    for (let run = -WARM_UP; run < RUNS; run++) {
      for (const { command, times } of results) {
        const begin = performance.now();
        const { status, stderr } = spawnSync(command.program, command.args, { cwd, env, encoding: "utf8" });
        if (status !== 0) throw new Error(`${command.name} ended with ${status}: ${stderr}`);
        if (run >= 0) times.push(performance.now() - begin);
      }
    }
    return report(results);
  } finally {
    await server.stop();
    await scratch.remove();
  }
}

/** Registers somebody whose project has features; answers the environment of their commands. */
async function prepare(url: string): Promise<Record<string, string>> {
  const stranger = createNexusClient({ baseUrl: url });
  const { apiKey } = await stranger.auth.register({ name: "Ana", email: "ana@example.com" });
  stranger.close();
  const client = createNexusClient({ baseUrl: url, apiKey });
  const { project } = await client.projects.createProject({ slug: "bench" });
  const projectId = project?.id ?? "";
  for (let count = 0; count < FEATURES; count++) {
    await client.features.createFeature({
      projectId,
      slug: `feature-${count}`,
      touches: [{ path: `src/${count}.ts` }],
    });
  }
  client.close();
  return { NEXUS_URL: url, NEXUS_API_KEY: apiKey, NEXUS_PROJECT: projectId };
}

interface Result {
  readonly command: { readonly name: string; readonly most?: number };
  readonly times: readonly number[];
}

function report(results: readonly Result[]): number {
  const median = ({ times }: Result) => percentile(times, 50) ?? Number.NaN;
  const [node] = results;
  const unit = node === undefined ? Number.NaN : median(node);
  const missed = results.filter((result) => median(result) / unit > (result.command.most ?? Number.POSITIVE_INFINITY));
  process.stdout.write(`${"".padEnd(20)}  median      node\n`);
  for (const result of results) {
    const ratio = (median(result) / unit).toFixed(2);
    const most = result.command.most === undefined ? "" : `  (at most ${result.command.most})`;
    process.stdout.write(
      `${result.command.name.padEnd(20)}  ${median(result).toFixed(0).padStart(3)} ms  ${ratio} x${most}\n`,
    );
  }
  const kilobytes = Math.round(statSync(at("cli/dist/nexus.cjs")).size / 1_000);
  process.stdout.write(`the bundle has ${kilobytes} kB; ${RUNS} runs of each\n`);
  process.stdout.write(missed.length === 0 ? "every target met\n" : `targets missed: ${missed.length}\n`);
  return missed.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`bench-cli: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
