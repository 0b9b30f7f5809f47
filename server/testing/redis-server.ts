import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access, mkdir, open, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { installRedis } from "./install-redis.ts";

/** A Redis of one test's, or one test run's, own. */
export interface RedisServer {
  readonly url: string;
  readonly pid: number;
  /** Ends it at once; it keeps nothing. Safe to call again. */
  stop(): Promise<void>;
}

const PROGRAMS = ["redis-server", "valkey-server"];
/** Places that are often not on PATH (sbin for ordinary users, package managers of other systems). */
const USUAL_PLACES = [
  "/usr/bin",
  "/usr/sbin",
  "/usr/local/bin",
  "/usr/local/sbin",
  "/opt/homebrew/bin",
  "/opt/local/bin",
  "/snap/bin",
];
const START_BOUND_MS = 20_000;
const POLL_MS = 20;

/**
 * Starts a private Redis or Valkey on a free port of 127.0.0.1, without persistence.
 *
 * @param folder where it may write; made when missing. Its `redis.pid` lies there.
 * @param settings further options of redis.conf, e.g. `{ maxmemory: "8mb" }`
 * @throws Error with what to install when this machine has neither
 */
export async function startRedisServer(folder: string, settings: Record<string, string> = {}): Promise<RedisServer> {
  const program = (await findRedisServer()) ?? (await installedRedisServer());
  await mkdir(folder, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const server = await tryStart(program, port, folder, settings);
    if (server !== undefined) {
      return server;
    }
    const log = await readFile(join(folder, "redis.log"), "utf8").catch(() => "(no log)");
    if (attempt === 5 || !/in use/i.test(log)) {
      throw new Error(`${program} did not start:\n${log.trimEnd().split("\n").slice(-10).join("\n")}`);
    }
  }
}

/** Path of a Redis or Valkey server on PATH or in one of the usual places; undefined when there is none. */
export async function findRedisServer(
  path = process.env["PATH"] ?? "",
  places = USUAL_PLACES,
): Promise<string | undefined> {
  for (const folder of [...path.split(delimiter).filter((entry) => entry !== ""), ...places]) {
    for (const name of PROGRAMS) {
      if (await isProgram(join(folder, name))) {
        return join(folder, name);
      }
    }
  }
  return undefined;
}

async function installedRedisServer(): Promise<string> {
  await installRedis();
  const program = await findRedisServer();
  if (program === undefined) {
    throw new Error(`the package was installed, but no ${PROGRAMS.join(" or ")} is in ${USUAL_PLACES.join(", ")}`);
  }
  return program;
}

async function tryStart(
  program: string,
  port: number,
  folder: string,
  settings: Record<string, string>,
): Promise<RedisServer | undefined> {
  const options = {
    port: String(port),
    bind: "127.0.0.1",
    save: "",
    appendonly: "no",
    dir: folder,
    pidfile: join(folder, "redis.pid"),
    daemonize: "no",
    // By itself it takes the port 10,000 above, which may not exist.
    ...(settings["cluster-enabled"] === "yes" && { "cluster-port": String(await freePort()) }),
    ...settings,
  };
  const log = await open(join(folder, "redis.log"), "w");
  const child = spawn(
    program,
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    // A process group of its own: Ctrl-C reaches the tests first, which then end it.
    { stdio: ["ignore", log.fd, log.fd], detached: true },
  );
  child.on("error", () => {});
  await log.close();
  child.unref();
  const url = `redis://127.0.0.1:${port}`;
  for (const end = performance.now() + START_BOUND_MS; isRunning(child); await pause(POLL_MS)) {
    if ((await answersAs(url, child.pid)) && child.pid !== undefined) {
      return { url, pid: child.pid, stop: () => kill(child) };
    }
    if (performance.now() > end) {
      await kill(child);
    }
  }
  return undefined;
}

/** Whether the Redis at this address is that process: a stranger may have taken the port first. */
async function answersAs(url: string, pid: number | undefined): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, enableOfflineQueue: false });
  redis.on("error", () => {});
  try {
    await redis.connect();
    return (await redis.info("server")).includes(`process_id:${pid}\r\n`);
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function kill(child: ChildProcess): Promise<void> {
  if (isRunning(child)) {
    const gone = once(child, "exit");
    // From here on it is worth staying for: a process with nothing else to do would end in the middle, with code 0.
    child.ref();
    child.kill("SIGKILL");
    await gone;
  }
}

/** Redis 7 or later, or any Valkey, that this user may run. */
async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await promisify(execFile)(path, ["--version"]);
    return stdout.includes("Valkey") || Number(/\bv=(\d+)\./.exec(stdout)?.[1]) >= 7;
  } catch {
    return false;
  }
}

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
