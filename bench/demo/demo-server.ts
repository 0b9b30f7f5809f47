import { spawn } from "node:child_process";
import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { endProcess } from "../process/end-process.ts";

/** How long the server may take to make its database and serve, and to stop again. */
const START_BOUND_MS = 60_000;
const STOP_BOUND_MS = 30_000;
const KEPT_LINES = 10;

/** A server of the demo's own, with embedded stores. */
export interface DemoServer {
  readonly url: string;
  /** Its latest log lines. */
  logTail(): string;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

/** The server did not come up; the message has what it said. */
export class ServerStartError extends Error {
  constructor(what: string, log: string) {
    super(`the server ${what}${log === "" ? "" : `; it said\n${log}`}`);
    this.name = "ServerStartError";
  }
}

/**
 * Starts the server on a free port with its data in `dataDir`, which it makes.
 *
 * @param program the server's bundle
 * @throws ServerStartError, and the signal's reason when it is aborted meanwhile
 */
export async function startDemoServer(
  program: string,
  dataDir: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<DemoServer> {
  signal.throwIfAborted();
  // Root's PostgreSQL runs as somebody else, who has to get in; else the database would lie in a system folder.
  await mkdir(dataDir, { mode: 0o711 });
  // A process group of its own: Ctrl-C reaches this process only, which then stops the server once and cleanly.
  const child = spawn(process.execPath, [program], {
    detached: true,
    env: { ...env, NEXUS_DATA_DIR: dataDir, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const url = Promise.withResolvers<string>();
  // Its end is told where it is waited for.
  url.promise.catch(() => {});
  const logTail = () => lines.join("\n");
  const fail = (what: string) => url.reject(new ServerStartError(what, logTail()));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      lines.push(...text.split("\n").filter((line) => line !== ""));
      lines.splice(0, lines.length - KEPT_LINES);
      const found = /^Nexus serves on (\S+)$/m.exec(text)?.[1];
      if (found !== undefined) url.resolve(found);
    });
  }
  child.on("error", (error) => fail(`could not be started: ${error.message}`));
  child.on("exit", (code, name) => fail(`ended at its start (${name ?? `exit code ${code}`})`));
  const bound = setTimeout(() => fail("took too long to start"), START_BOUND_MS);
  const abort = () => url.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });

  const stop = async () => {
    await endProcess(child, STOP_BOUND_MS);
    await removeData(dataDir);
  };
  try {
    return { url: await url.promise, logTail, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(bound);
    signal.removeEventListener("abort", abort);
  }
}

async function removeData(dataDir: string): Promise<void> {
  // Where only root may enter the folders above, the server puts the database elsewhere, with a link here.
  const database = await realpath(join(dataDir, "postgres")).catch(() => undefined);
  if (database !== undefined) await rm(database, { recursive: true, force: true, maxRetries: 10 });
  await rm(dataDir, { recursive: true, force: true, maxRetries: 10 });
}
