import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { errorCode } from "./error-code.ts";
import type { LauncherLogger } from "./launcher-logger.ts";
import { type PostgresBinaries, SYSTEM_STATE_DIR } from "./postgres-binaries.ts";
import { DataDirUnusableError, PostgresStartError, PostgresVersionMismatchError } from "./postgres-errors.ts";
import { isAlive, postgresEnvironment } from "./postmaster.ts";
import { canEnter, type UnixAccount } from "./unprivileged-user.ts";

/** The superuser of every embedded cluster. */
export const SUPERUSER = "nexus";

/** Folders in which this process is initialising a cluster right now. */
const initialising = new Set<string>();

/** An initialised PostgreSQL cluster. */
export interface PostgresCluster {
  /** PGDATA: real path, mode 700, owned by who runs PostgreSQL. */
  readonly pgData: string;
  readonly password: string;
  /** Who has to run PostgreSQL: the owner of PGDATA, undefined when that is this process's own user. */
  readonly account: UnixAccount | undefined;
}

/**
 * Makes the data folder (mode 700) where it is missing.
 *
 * When PostgreSQL will run under another account, a folder that is new or empty, below folders which that account may
 * enter, also gets the right to be passed through (711): what is in it keeps modes of its own. Nothing else is changed.
 *
 * @returns its real path
 * @throws DataDirUnusableError
 */
export async function prepareDataDir(folder: string, account: UnixAccount | undefined): Promise<string> {
  const wanted = resolve(folder);
  try {
    const firstMade = await mkdir(wanted, { recursive: true, mode: 0o700 });
    const dataDir = await realpath(wanted);
    const fresh = firstMade !== undefined || (await readdir(dataDir)).length === 0;
    if (account !== undefined && fresh) {
      const top = firstMade === undefined ? dataDir : await realpath(firstMade);
      if (await canEnter(dirname(top), account)) {
        for (let path = dataDir; path.length >= top.length; path = dirname(path)) {
          await chmod(path, 0o711);
        }
      }
    }
    return dataDir;
  } catch (cause) {
    throw new DataDirUnusableError(wanted, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/**
 * The cluster of a data folder, initialised when there is none yet. It lies in the folder's `postgres`, which is a link
 * to a folder below /var/lib/nexus where the account could not enter the data folder itself. The cluster appears there
 * complete or not at all, so a start that was killed half-way, or two starts at a time, do no harm.
 *
 * @param account who shall run PostgreSQL in a new cluster
 * @param durable false skips waiting for the disk
 * @throws PostgresVersionMismatchError, DataDirUnusableError, PostgresStartError
 */
export async function openCluster(
  dataDir: string,
  binaries: PostgresBinaries,
  account: UnixAccount | undefined,
  durable: boolean,
  logger: LauncherLogger,
): Promise<PostgresCluster> {
  const link = join(dataDir, "postgres");
  if (!(await isThere(link))) {
    await createCluster(link, binaries, account, durable, logger);
  }
  const folder = await realpath(link).catch((cause: unknown) => {
    throw new DataDirUnusableError(dataDir, `${link} points to a database that is gone (remove it to begin anew)`, {
      cause,
    });
  });
  return readCluster(dataDir, folder, binaries);
}

async function readCluster(dataDir: string, folder: string, binaries: PostgresBinaries): Promise<PostgresCluster> {
  const pgData = join(folder, "data");
  try {
    const version = (await readFile(join(pgData, "PG_VERSION"), "utf8")).trim();
    if (version !== binaries.majorVersion) {
      throw new PostgresVersionMismatchError(dataDir, version, binaries.majorVersion);
    }
    const password = (await readFile(join(folder, "password"), "utf8")).trim();
    const { uid, gid } = await stat(pgData);
    return { pgData, password, account: uid === process.getuid?.() ? undefined : { uid, gid } };
  } catch (cause) {
    if (cause instanceof PostgresVersionMismatchError) {
      throw cause;
    }
    const why =
      errorCode(cause) === "EACCES" ? "its database belongs to another user" : `its database in ${folder} is damaged`;
    throw new DataDirUnusableError(dataDir, `${why} (${String(cause)})`, { cause });
  }
}

async function createCluster(
  link: string,
  binaries: PostgresBinaries,
  account: UnixAccount | undefined,
  durable: boolean,
  logger: LauncherLogger,
): Promise<void> {
  const dataDir = dirname(link);
  const elsewhere = account !== undefined && !(await canEnter(dataDir, account));
  // The random part keeps a new data folder from finding the database of a deleted one that had the same path.
  const folder = elsewhere
    ? join(SYSTEM_STATE_DIR, `${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}-${randomName()}`)
    : link;
  const parent = dirname(folder);
  if ((await mkdir(parent, { recursive: true })) !== undefined) {
    await chmod(parent, 0o755);
  }
  await removeAbandoned(parent);

  const staged = join(parent, `postgres.init-${process.pid}-${randomName()}`);
  initialising.add(staged);
  try {
    await initialise(staged, binaries, account, durable);
    await rename(staged, folder);
    if (elsewhere) {
      await symlink(folder, link);
      logger.info(`the database of ${dataDir} lies in ${folder}, because PostgreSQL can't run as root in ${dataDir}`);
    }
    await syncFolder(parent);
    await syncFolder(dataDir);
  } catch (error) {
    await rm(staged, { recursive: true, force: true });
    if (elsewhere) {
      await rm(folder, { recursive: true, force: true });
    }
    // Another start of this data folder was faster: its cluster is used.
    if (!(["EEXIST", "ENOTEMPTY"].includes(errorCode(error)) && (await isThere(link)))) {
      throw error;
    }
  } finally {
    initialising.delete(staged);
  }
}

async function initialise(
  folder: string,
  binaries: PostgresBinaries,
  account: UnixAccount | undefined,
  durable: boolean,
): Promise<void> {
  const pgData = join(folder, "data");
  const passwordFile = join(folder, "password");
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const owner = account ?? own;
  await mkdir(folder, { mode: 0o711 });
  await chmod(folder, account === undefined ? 0o700 : 0o711);
  await mkdir(pgData, { mode: 0o700 });
  await writeFile(passwordFile, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  await chown(pgData, owner.uid, owner.gid);
  await chown(passwordFile, owner.uid, owner.gid);

  const options = ["-D", pgData, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  // The built-in C.UTF-8 sorts the same on every machine, whatever its C library.
  options.push("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8");
  options.push("--no-instructions", ...(durable ? [] : ["--no-sync"]));
  try {
    await promisify(execFile)(binaries.initdb, options, { ...account, cwd: "/", env: postgresEnvironment() });
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    const detail = said === "" && cause instanceof Error ? cause.message : said;
    throw new PostgresStartError(`could not initialise PostgreSQL in ${pgData}`, detail, { cause });
  }
  await chown(passwordFile, own.uid, own.gid);
}

/** Removes what initialisations left behind whose process is gone; in a container that process may have had our pid. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(/^postgres\.init-(\d+)-/.exec(name)?.[1]);
    const busy = pid === process.pid ? initialising.has(join(parent, name)) : isAlive(pid);
    if (pid > 0 && !busy) {
      // Its orphaned initdb may still be writing; what is left then goes at a later start.
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

function randomName(): string {
  return randomBytes(4).toString("hex");
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
