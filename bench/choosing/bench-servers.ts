import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "../../server/storage/embedded/postgres.ts";
import { startRedisServer } from "../../server/testing/redis-server.ts";
import { createScratchDir } from "../../server/testing/scratch-dir.ts";
import { startDemoServer } from "../demo/demo-server.ts";

const SERVER = fileURLToPath(new URL("../../server/dist/main.js", import.meta.url));

/** A server process over a private PostgreSQL and Redis. */
export interface BenchServers extends AsyncDisposable {
  readonly url: string;
  readonly databaseUrl: string;
}

/**
 * Starts them; all are gone, with their data, when the answer is disposed of.
 *
 * @throws ServerStartError, and the signal's reason when it is aborted meanwhile
 */
export async function startBenchServers(signal: AbortSignal): Promise<BenchServers> {
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const scratch = await createScratchDir();
    undo.push(() => scratch.remove());
    const dataDir = join(scratch.path, "postgres");
    await mkdir(dataDir);
    // Root's PostgreSQL runs as somebody else, who has to get in.
    await chmod(dataDir, 0o711);
    const postgres = await startEmbeddedPostgres({ dataDir });
    undo.push(() => postgres.stop());
    const redis = await startRedisServer(join(scratch.path, "redis"));
    undo.push(() => redis.stop());
    const { PATH = "", HOME = "", NODE_OPTIONS = "" } = process.env;
    const stores = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, API_KEY_SALT: "a salt of the benchmark's" };
    const env = { PATH, HOME, NODE_OPTIONS, ...stores, LOG_LEVEL: "warn" };
    const server = await startDemoServer(SERVER, join(scratch.path, "server"), env, signal);
    undo.push(() => server.stop());
    return { url: server.url, databaseUrl: postgres.url, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
