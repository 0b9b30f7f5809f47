import { execFile, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { open, readFile, rename, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { errorCode } from "./error-code.ts";
import { PostgresStartError, PostgresStopError } from "./postgres-errors.ts";
import type { UnixAccount } from "./unprivileged-user.ts";

/** A PostgreSQL server process that serves a cluster, or is about to, or has just stopped doing so. */
export interface Postmaster {
  readonly pid: number;
  /** TCP port on 127.0.0.1; 0 while it is not known yet. */
  readonly port: number;
  /** It accepts connections. */
  readonly ready: boolean;
}

export interface PostmasterOptions {
  /** Path of the `postgres` program. */
  readonly program: string;
  readonly pgData: string;
  readonly account: UnixAccount | undefined;
  /** Its standard error is appended here; the log of the start before is kept beside it as `.1`. */
  readonly logFile: string;
  /** False trades the safety of committed data for speed: for tests only. */
  readonly durable: boolean;
}

/** Bounds; nothing waits for them to pass. A start after a crash replays its log, which may take a while. */
const START_BOUND_MS = 120_000;
const FAST_STOP_BOUND_MS = 30_000;
const IMMEDIATE_STOP_BOUND_MS = 10_000;
const POLL_MS = 20;
const LOG_TAIL_LINES = 12;

/** Small enough for a laptop; `-c` options win over every file in the cluster. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "100",
  shared_buffers: "64MB",
  max_wal_size: "256MB",
  min_wal_size: "32MB",
  io_method: "sync",
  max_logical_replication_workers: "0",
  jit: "off",
  log_line_prefix: "%m [%p] ",
  log_timezone: "UTC",
  timezone: "UTC",
};
const NOT_DURABLE: Readonly<Record<string, string>> = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
};

/** Nothing of this process's environment (PGPORT, LC_ALL, …) reaches PostgreSQL. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

/**
 * The server process of a cluster, by its postmaster.pid. A file that names a dead process, or one that got the same
 * id later and is no PostgreSQL of this cluster, counts as none.
 */
export async function runningPostmaster(pgData: string): Promise<Postmaster | undefined> {
  const lines = await readPidFile(pgData);
  const pid = Number(lines?.[0]);
  if (lines === undefined || !(pid > 0) || !(await serves(pid, pgData))) {
    return undefined;
  }
  return { pid, port: Number(lines[3]) || 0, ready: lines[7]?.trim() === "ready" };
}

/**
 * Starts PostgreSQL on a free port of 127.0.0.1 and waits until it accepts connections. It has a process group of its
 * own, so a Ctrl-C in the terminal reaches Nexus only, and it outlives a Nexus that is killed.
 *
 * @returns undefined when another PostgreSQL turned out to serve the cluster
 * @throws PostgresStartError with the end of its log
 */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster | undefined> {
  await forgetStalePidFile(options.pgData);
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryStart(options, await freePort());
    if (outcome.kind === "ready") {
      return outcome.postmaster;
    }
    // Two that start at once take the log from each other, so it may be the other one's that was read.
    const another = await runningPostmaster(options.pgData);
    if (another !== undefined || /lock file "postmaster.pid" already exists/.test(outcome.logTail)) {
      return undefined;
    }
    const portTaken = /could not bind .*Address already in use/.test(outcome.logTail);
    if (!portTaken || attempt === 5) {
      throw new PostgresStartError(`PostgreSQL ${outcome.what}`, outcome.logTail, { cause: outcome.cause });
    }
  }
}

/**
 * Stops PostgreSQL: open transactions are rolled back and everything is written (SIGINT); when that takes too long, at
 * once, which costs a recovery at the next start (SIGQUIT). Does nothing when it is gone already.
 *
 * @throws PostgresStopError when it is still there after both
 */
export async function stopPostmaster(pid: number, pgData: string): Promise<void> {
  for (const [signal, boundMs] of [
    ["SIGINT", FAST_STOP_BOUND_MS],
    ["SIGQUIT", IMMEDIATE_STOP_BOUND_MS],
  ] as const) {
    if (!(await serves(pid, pgData))) {
      return;
    }
    sendSignal(pid, signal);
    for (const end = performance.now() + boundMs; performance.now() < end; await pause(POLL_MS)) {
      if (!(await serves(pid, pgData))) {
        return;
      }
    }
  }
  throw new PostgresStopError(pid);
}

/** Whether a process with this id exists (a zombie counts, too). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

type StartOutcome =
  | { readonly kind: "ready"; readonly postmaster: Postmaster }
  | { readonly kind: "failed"; readonly what: string; readonly logTail: string; readonly cause?: unknown };

async function tryStart(options: PostmasterOptions, port: number): Promise<StartOutcome> {
  await rename(options.logFile, `${options.logFile}.1`).catch(() => {});
  const log = await open(options.logFile, "a", 0o600);
  const settings = { ...SETTINGS, ...(options.durable ? {} : NOT_DURABLE), port: String(port) };
  const child = spawn(
    options.program,
    ["-D", options.pgData, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    {
      ...options.account,
      cwd: "/",
      env: postgresEnvironment(),
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    },
  );
  let ended: { what: string; cause?: unknown } | undefined;
  child.once("error", (cause) => {
    ended = { what: `could not be run (${cause.message})`, cause };
  });
  child.once("exit", (code, signal) => {
    ended ??= { what: `ended with ${signal ?? `code ${code}`} while starting` };
  });
  child.unref();
  try {
    for (const end = performance.now() + START_BOUND_MS; ended === undefined; await pause(POLL_MS)) {
      const postmaster = await runningPostmaster(options.pgData);
      if (postmaster?.ready && postmaster.pid === child.pid) {
        return { kind: "ready", postmaster };
      }
      if (performance.now() > end) {
        child.kill("SIGQUIT");
        ended = { what: `was not ready after ${START_BOUND_MS / 1000} s` };
      }
    }
  } finally {
    await log.close();
  }
  return { kind: "failed", logTail: await tail(options.logFile), ...ended };
}

/** Lines of postmaster.pid: pid, data folder, start time, port, socket folder, address, shared memory, status. */
async function readPidFile(pgData: string): Promise<readonly string[] | undefined> {
  try {
    return (await readFile(join(pgData, "postmaster.pid"), "utf8")).split("\n");
  } catch (error) {
    if (errorCode(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

/**
 * PostgreSQL does not start while the process named in postmaster.pid exists, whoever that is by now. The name of its
 * own parent it disregards; the rest of the file stays, by which it looks for leftover children of the dead server.
 */
async function forgetStalePidFile(pgData: string): Promise<void> {
  const lines = await readPidFile(pgData);
  const pid = Number(lines?.[0]);
  if (lines !== undefined && pid > 0 && isAlive(pid) && !(await serves(pid, pgData))) {
    const file = join(pgData, "postmaster.pid");
    // Without a pause between look and write: another start may be replacing the file.
    if (readFileSync(file, "utf8") === lines.join("\n")) {
      writeFileSync(file, [process.pid, ...lines.slice(1)].join("\n"));
    }
  }
}

/** Whether the process is a PostgreSQL of this cluster: it runs as the cluster's owner, with `-D` and this folder. */
async function serves(pid: number, pgData: string): Promise<boolean> {
  if (!isAlive(pid)) {
    return false;
  }
  try {
    if (process.platform === "linux") {
      const args = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
      return args[args.indexOf("-D") + 1] === pgData && (await ownedAlike((await stat(`/proc/${pid}`)).uid, pgData));
    }
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "uid=,command=", "-p", String(pid)]);
    return stdout.includes(` -D ${pgData} `) && (await ownedAlike(Number.parseInt(stdout, 10), pgData));
  } catch (error) {
    // It ended while we looked: no such process for /proc, exit code 1 for ps.
    if (["ENOENT", "ESRCH", "1"].includes(errorCode(error))) {
      return false;
    }
    throw error;
  }
}

/** A folder that was deleted under its server has no owner to compare with. */
async function ownedAlike(uid: number, pgData: string): Promise<boolean> {
  return stat(pgData).then(
    (folder) => folder.uid === uid,
    (error) => errorCode(error) === "ENOENT",
  );
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") {
      throw error;
    }
  }
}

/** A port that nobody listens on just now. Somebody may take it before PostgreSQL does; then another is tried. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function tail(file: string): Promise<string> {
  const lines = (await readFile(file, "utf8").catch(() => "")).trimEnd().split("\n");
  return lines.slice(-LOG_TAIL_LINES).join("\n");
}
