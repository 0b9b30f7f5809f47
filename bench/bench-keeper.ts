// `make bench-keeper`: what a keeper costs that keeps a hundred sessions, at the usual lease of five minutes. Linux only:
// it reads /proc. See docs/sessions.md.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createNexusClient } from "@nexus/client";
import { KeeperRecords, keeperPlace } from "../cli/keeper/keeper-record.ts";
import { ensureKeeper } from "../cli/keeper/start-keeper.ts";
import { systemProcessTable } from "../cli/session/process-table.ts";
import { SessionStore } from "../cli/session/session-store.ts";
import { createScratchDir } from "../server/testing/scratch-dir.ts";
import { startDemoServer } from "./demo/demo-server.ts";
import { endProcess } from "./process/end-process.ts";
import { StoppedError, stopSignal } from "./process/stop-signal.ts";

const SESSIONS = Number(process.env["SESSIONS"] ?? 100);
/** Every session is renewed once in a third of its lease. */
const SECONDS = Number(process.env["SECONDS_EACH"] ?? 100);
/** What has to hold. */
const MAX_MEGABYTES = 100;
const MAX_CORE_PERCENT = 1;
const WARM_UP_MS = 10_000;
const END_BOUND_MS = 10_000;
/** What `getconf CLK_TCK` answers on Linux. */
const TICKS_PER_SECOND = 100;
const [SERVER, CLI] = ["../../server/dist/main.js", "../../cli/dist"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
) as [string, string];

async function main(): Promise<number> {
  const signal = stopSignal(() => process.stderr.write("\nstopping; the server last\n"));
  const undo: (() => Promise<void>)[] = [];
  try {
    return await measure(signal, undo);
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

/** @param undo takes what is to be done at the end, the last first */
async function measure(signal: AbortSignal, undo: (() => Promise<void>)[]): Promise<number> {
  const scratch = await createScratchDir();
  undo.push(() => scratch.remove());
  const { PATH = "", HOME = "" } = process.env;
  const server = await startDemoServer(SERVER, join(scratch.path, "server"), { PATH, HOME, LOG_LEVEL: "warn" }, signal);
  undo.push(() => server.stop());
  const home = join(scratch.path, "home");
  await mkdir(home);

  const { apiKey } = await createNexusClient({ baseUrl: server.url }).auth.register({
    name: "bench",
    email: "bench@example.invalid",
  });
  const env = { PATH, HOME: home, NEXUS_API_KEY: apiKey };
  const processes = systemProcessTable(process.platform);
  const place = keeperPlace(env, server.url, processes);
  const client = createNexusClient({ baseUrl: server.url, apiKey, binary: true });
  const { project } = await client.projects.createProject({ slug: "bench" });
  const projectId = project?.id ?? "";
  const store = new SessionStore(env);
  for (let index = 0; index < SESSIONS; index++) {
    const agent = spawn("sleep", ["3600"], { stdio: "ignore" });
    undo.push(() => endProcess(agent, END_BOUND_MS));
    const slug = `f-${index}`;
    await client.features.createFeature({ projectId, slug, title: slug, touches: [{ path: `src/${slug}.ts` }] });
    await client.features.markFeatureReady({ projectId, slug });
    const { session } = await client.sessions.openSession({ projectId, clientSessionId: slug });
    const sessionId = session?.id ?? "";
    const { claim } = await client.features.pickFeature({ projectId, slug, sessionId });
    const held = { slug, fencingToken: String(claim?.fencingToken) };
    const keeping = { keeper: place.id, process: watched(agent), lastCommandTime: new Date().toISOString() };
    store.save({ server: server.url, projectId, sessionId, held, keeping }, new Date());
  }
  ensureKeeper(place, env, CLI, processes);
  const records = new KeeperRecords(env);
  undo.push(async () => {
    const pid = records.read(place.id)?.process.pid;
    if (pid !== undefined) process.kill(pid, "SIGTERM");
  });

  await pause(WARM_UP_MS, undefined, { signal });
  const pid = records.read(place.id)?.process.pid;
  if (pid === undefined) throw new Error("no keeper runs");
  const [before, begin] = [await cpuSeconds(pid), performance.now()];
  await pause(SECONDS * 1_000, undefined, { signal });
  const percent = ((await cpuSeconds(pid)) - before) / ((performance.now() - begin) / 100_000);
  const { resident, peak } = await memory(pid);
  const { sessions } = await client.sessions.listActiveSessions({ projectId, pageSize: 500 });
  const renewed = sessions.filter(({ openTime, lastHeartbeatTime }) => {
    return Number(lastHeartbeatTime?.seconds) > Number(openTime?.seconds);
  });
  client.close();

  process.stdout.write(
    `${SESSIONS} sessions, ${SECONDS} s: ${percent.toFixed(2)} % of a core, ${resident.toFixed(0)} MB resident (${peak.toFixed(0)} MB at most), ${renewed.length} leases renewed\n`,
  );
  const met = percent < MAX_CORE_PERCENT && peak < MAX_MEGABYTES && renewed.length === SESSIONS;
  if (!met)
    process.stderr.write(`bench-keeper: less than ${MAX_CORE_PERCENT} % and ${MAX_MEGABYTES} MB is asked for\n`);
  return met ? 0 : 1;

  function watched({ pid = 0 }: ChildProcess) {
    return { pid, startTime: processes.find(pid)?.startTime ?? "", machine: processes.machine };
  }
}

/** Processor time that a process has used. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** In MB of a million bytes. */
async function memory(pid: number): Promise<{ readonly resident: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const of = (name: string) => (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1_024) / 1e6;
  return { resident: of("VmRSS"), peak: of("VmHWM") };
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof StoppedError) process.exit(error.exitCode);
    process.stderr.write(`bench-keeper: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
