import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import postgres from "postgres";
import { type DataDirLock, lockDataDir } from "./data-dir-lock.ts";
import { errorCode } from "./error-code.ts";
import type { LauncherLogger } from "./launcher-logger.ts";
import { findPostgresBinaries, type PostgresBinaries } from "./postgres-binaries.ts";
import { openCluster, type PostgresCluster, prepareDataDir, SUPERUSER } from "./postgres-cluster.ts";
import { DataDirInUseError, NoUnprivilegedUserError, PostgresStartError } from "./postgres-errors.ts";
import { type Postmaster, runningPostmaster, startPostmaster, stopPostmaster } from "./postmaster.ts";
import { unprivilegedUser } from "./unprivileged-user.ts";

export interface EmbeddedPostgresOptions {
  /** Made with mode 700 when missing. One server at a time may use it. */
  readonly dataDir: string;
  readonly logger?: LauncherLogger;
  /** False gives up safety against power loss for speed; for tests. True by default. */
  readonly durable?: boolean;
}

/** A private PostgreSQL, started or adopted by this process, and the sole right to use its data folder. */
export interface EmbeddedPostgres {
  /** Superuser's URL of the database `nexus`, on 127.0.0.1, with the password of this data folder. */
  readonly url: string;
  /** Resolves when PostgreSQL, or the right to its data folder, was lost without `stop`: end the server. Never rejects. */
  readonly lost: Promise<Error>;
  /** Stops PostgreSQL, cutting what is connected. Safe to call again. Throws PostgresStopError. */
  stop(): Promise<void>;
}

/** The database that Nexus uses in an embedded cluster. */
const DATABASE = "nexus";
/** A server that stops, or starts, at the same moment leaves PostgreSQL in between for no longer than this. */
const SETTLE_BOUND_MS = 150_000;
const POLL_MS = 50;

/**
 * Starts the private PostgreSQL of a data folder from the binaries that npm carries, initialising the folder at first.
 *
 * It listens on a free port of 127.0.0.1 and lets nobody in without the random password that lies beside the database
 * (mode 600). A PostgreSQL that a killed server left running is adopted. Run as root it uses the system user `nexus`,
 * `postgres` or `nobody`, which may move the database to /var/lib/nexus, with a link in the data folder. The log is
 * `postgres.log` in the data folder.
 *
 * @throws DataDirInUseError, DataDirUnusableError, PostgresVersionMismatchError, PostgresBinariesMissingError,
 *   NoUnprivilegedUserError, PostgresStartError (with the end of PostgreSQL's log)
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger = { info() {}, warn() {} }, durable = true } = options;
  const { dataDir, binaries, cluster } = await prepare(options.dataDir, durable, logger);
  const { postmaster, lock } = await own(dataDir, cluster, binaries, durable, logger);

  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(cluster, postmaster, DATABASE),
    lost: lock.lost,
    stop() {
      // Told first, so that the end of the lock's connection is not taken for a loss.
      stopped ??= lock.release().then(() => stopPostmaster(postmaster.pid, cluster.pgData));
      return stopped;
    },
  };
}

/**
 * Superuser's URL of the database of a PostgreSQL that runs in this data folder, beside the server that started it;
 * undefined when none runs. For an operator's commands; it takes no lock and starts nothing.
 */
export async function runningEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const { cluster } = await prepare(dataDir, true, { info() {}, warn() {} });
  const postmaster = await runningPostmaster(cluster.pgData);
  return postmaster?.ready ? urlOf(cluster, postmaster, DATABASE) : undefined;
}

async function prepare(folder: string, durable: boolean, logger: LauncherLogger) {
  const account = process.getuid?.() === 0 ? await unprivilegedUser() : undefined;
  if (process.getuid?.() === 0 && account === undefined) {
    throw new NoUnprivilegedUserError();
  }
  const dataDir = await prepareDataDir(folder, account);
  const binaries = await findPostgresBinaries(dataDir, account);
  return { dataDir, binaries, cluster: await openCluster(dataDir, binaries, account, durable, logger) };
}

/** A running PostgreSQL whose data folder is locked by this process. */
interface Owned {
  readonly postmaster: Postmaster;
  readonly lock: DataDirLock;
}

async function own(
  dataDir: string,
  cluster: PostgresCluster,
  binaries: PostgresBinaries,
  durable: boolean,
  logger: LauncherLogger,
): Promise<Owned> {
  const logFile = join(dataDir, "postgres.log");
  const { pgData, account } = cluster;
  for (const end = performance.now() + SETTLE_BOUND_MS; ; await pause(POLL_MS)) {
    const found = await runningPostmaster(pgData);
    if (found?.ready) {
      logger.info(`adopting the PostgreSQL (process ${found.pid}) that runs in ${dataDir} already`);
    }
    const postmaster =
      found ?? (await startPostmaster({ program: binaries.postgres, pgData, account, logFile, durable }));
    let cause: unknown;
    if (postmaster?.ready) {
      try {
        return { postmaster, lock: await lockAndCreateDatabase(dataDir, cluster, postmaster) };
      } catch (error) {
        if (error instanceof DataDirInUseError || !isGoingAway(error)) {
          throw error;
        }
        cause = error;
      }
    }
    if (performance.now() > end) {
      throw new PostgresStartError(`PostgreSQL in ${dataDir} neither serves nor stops`, "", { cause });
    }
  }
}

async function lockAndCreateDatabase(
  dataDir: string,
  cluster: PostgresCluster,
  postmaster: Postmaster,
): Promise<DataDirLock> {
  const url = urlOf(cluster, postmaster, "postgres");
  const lock = await lockDataDir(url, dataDir);
  const sql = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    const [existing] = await sql`select from pg_database where datname = ${DATABASE}`;
    if (existing === undefined) {
      await sql`create database ${sql(DATABASE)}`;
    }
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** The PostgreSQL that was found is stopping (its server ends just now), or starts still. */
function isGoingAway(error: unknown): boolean {
  return ["57P01", "57P02", "57P03", "ECONNREFUSED", "ECONNRESET", "CONNECTION_CLOSED"].includes(errorCode(error));
}

function urlOf(cluster: PostgresCluster, postmaster: Postmaster, database: string): string {
  return `postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${postmaster.port}/${database}`;
}
