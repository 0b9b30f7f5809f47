import { setTimeout as pause } from "node:timers/promises";
import postgres from "postgres";
import { DataDirInUseError } from "./postgres-errors.ts";

/** The sole right to use a data folder, held as long as one connection lives. */
export interface DataDirLock {
  /** Resolves when the lock was lost without having been released: its connection or PostgreSQL itself ended. */
  readonly lost: Promise<Error>;
  release(): Promise<void>;
}

/** Any number that nothing else locks in the cluster's `postgres` database. */
const LOCK_KEY = 0x6e657875;
/** A server that was killed just now holds its lock until PostgreSQL sees the connection end. */
const PATIENCE_MS = 1_000;
const POLL_MS = 50;

/**
 * Takes the lock of a data folder: a session advisory lock on a connection of its own.
 *
 * @param url the superuser's URL of the cluster's `postgres` database
 * @throws DataDirInUseError when another server holds it; errors of the driver when PostgreSQL can't be reached
 */
export async function lockDataDir(url: string, dataDir: string): Promise<DataDirLock> {
  let reportLoss: (error: Error) => void = () => {};
  const lost = new Promise<Error>((resolve) => {
    reportLoss = resolve;
  });
  let released = false;
  const sql = postgres(url, {
    max: 1,
    max_lifetime: null,
    idle_timeout: 0,
    connect_timeout: 10,
    connection: { application_name: `nexus ${process.pid}` },
    onnotice: () => {},
    onclose: () => {
      if (!released) {
        reportLoss(new Error(`the connection that holds the data folder ${dataDir} ended`));
      }
    },
  });
  try {
    // Reserved, so that the driver never hands the statement to a new connection after this one broke.
    const connection = await sql.reserve();
    for (const end = performance.now() + PATIENCE_MS; ; await pause(POLL_MS)) {
      const [row] = await connection<{ locked: boolean }[]>`select pg_try_advisory_lock(${LOCK_KEY}) as locked`;
      if (row?.locked) {
        break;
      }
      if (performance.now() > end) {
        throw new DataDirInUseError(dataDir, await holderPid(connection));
      }
    }
  } catch (error) {
    released = true;
    await sql.end({ timeout: 0 });
    throw error;
  }
  return {
    lost,
    async release() {
      released = true;
      await sql.end({ timeout: 0 });
    },
  };
}

async function holderPid(connection: postgres.ISql): Promise<number | undefined> {
  const [row] = await connection<{ application_name: string }[]>`
    select application_name from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and objid = ${LOCK_KEY} and granted`;
  const pid = /^nexus (\d+)$/.exec(row?.application_name ?? "")?.[1];
  return pid === undefined ? undefined : Number(pid);
}
