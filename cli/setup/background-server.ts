import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../cli-error.ts";

const START_BOUND_MS = 60_000;
const POLL_MS = 100;
const TOLD_LINES = 5;

/** What a server in the background is started with. */
export interface BackgroundServer {
  /** The launcher of the command line. */
  readonly launcher: string;
  /** Where it shall listen: an http address of this machine. */
  readonly url: string;
  /** Absolute; undefined for the usual folder. */
  readonly dataDir: string | undefined;
  readonly logFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Whether a server can be started for that address: plain HTTP on this machine, without a path. */
export function canServe(url: string): boolean {
  const { protocol, hostname, pathname } = new URL(url);
  return protocol === "http:" && pathname === "/" && /^(localhost|\[::1\]|127(\.\d+){3})$/.test(hostname);
}

/**
 * Starts `nexus serve` in the background, where it outlives the command and its terminal, and waits until `isServing`.
 * Answers its process id.
 *
 * @throws CliError SERVER_PROGRAM_FAILED with its last words when it ended, or did not serve within a minute
 */
export async function startBackgroundServer(
  { launcher, url, dataDir, logFile, env }: BackgroundServer,
  isServing: () => Promise<boolean>,
): Promise<number> {
  const { hostname, port } = new URL(url);
  const host = hostname === "localhost" ? "127.0.0.1" : hostname.replace(/^\[|\]$/g, "");
  const where = ["--host", host, "--port", port || "80", ...(dataDir === undefined ? [] : ["--data-dir", dataDir])];
  const log = openLog(logFile);
  const child = spawn(process.execPath, [launcher, "serve", ...where], {
    // A process group of its own, in no folder that somebody may want to remove.
    detached: true,
    cwd: "/",
    env: { ...env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  let ended: string | undefined;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended = `it ended with ${signal ?? `exit code ${code}`}`;
  });
  const deadline = performance.now() + START_BOUND_MS;
  while (ended === undefined && performance.now() < deadline) {
    if (await isServing()) {
      child.unref();
      return child.pid ?? 0;
    }
    await sleep(POLL_MS);
  }
  child.kill();
  const why = ended ?? `it did not serve within ${START_BOUND_MS / 1_000} s`;
  const words = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-TOLD_LINES).join("\n  ");
  throw new CliError("SERVER_PROGRAM_FAILED", `the server could not be started: ${why}\n  ${words}`, `less ${logFile}`);
}

function openLog(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, "a", 0o600);
  } catch (cause) {
    throw new CliError("FILE_UNUSABLE", `${path} can't be written: ${(cause as Error).message}`, "", { cause });
  }
}
