import { createReadStream, createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { link, open, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { saltFile } from "../api-key-salt.ts";
import { type Config, readConfig } from "../config.ts";
import { runningEmbeddedPostgres, startEmbeddedPostgres } from "../storage/embedded/postgres.ts";
import { type DumpHeader, dumpDatabase } from "../storage/postgres/dump.ts";
import { LoadRefusedError, loadDump } from "../storage/postgres/load.ts";
import { migrationsFolder, movedMark } from "../wiring.ts";

/** An operator's command that can't be done as things are; the message says what to do. */
export class AdminError extends Error {
  override readonly name = "AdminError";
}

/** A PostgreSQL to dump or to load into. */
interface OpenPostgres {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Writes everything that the server keeps to a new file (mode 600), also while it runs. The file holds the hashes of
 * keys and the secret that belongs to them.
 *
 * @returns rows by table
 * @throws AdminError when the file is there already, or can't be written; then nothing of it is left
 */
export async function backup(env: NodeJS.ProcessEnv, file: string): Promise<ReadonlyMap<string, number>> {
  const config = readConfig(env);
  await refuseExisting(file);
  const source = await openSource(config);
  // Next to the file, so that it appears there complete or not at all.
  const partial = `${file}.${process.pid}.partial`;
  try {
    const rows = new Map<string, number>();
    const dump = dumpDatabase(source.url, saltOf(config), ({ table, rows: count }) => rows.set(table, count));
    const target = createWriteStream(partial, { mode: 0o600, flags: "wx" });
    await pipeline(Readable.from(withLineBreaks(dump)), createGzip(), target);
    await syncToDisk(partial);
    await link(partial, file);
    return rows;
  } catch (error) {
    throw asUnwritten(error, file);
  } finally {
    await rm(partial, { force: true });
    await source.close();
  }
}

/**
 * Loads a file of `backup` into stores that are empty: a data folder without a database, or DATABASE_URL. All of it is
 * there afterwards, or nothing.
 *
 * @returns rows by table
 * @throws LoadRefusedError for a file that is damaged, or stores that are not empty
 * @throws AdminError when API_KEY_SALT is not the one that the file was made with
 */
export async function restore(env: NodeJS.ProcessEnv, file: string): Promise<ReadonlyMap<string, number>> {
  const config = readConfig(env);
  await stat(file).catch((cause: unknown) => {
    throw new AdminError(`${file} can't be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  });
  const target = await openTarget(config);
  try {
    return await loadDump(target.url, linesOf(file), {
      migrationsFolder: migrationsFolder(),
      sourceWentOn: true,
      onHeader: (header) => keepSalt(config, header),
    });
  } finally {
    await target.close();
  }
}

/**
 * Brings what is in the data folder to the PostgreSQL that DATABASE_URL names, which has to be empty. The embedded
 * server has to be stopped, and does not start again over this folder: its work goes on over there.
 *
 * @returns rows by table
 * @throws LoadRefusedError when the database is not empty
 * @throws AdminError without DATABASE_URL, or when API_KEY_SALT is not the one of the data folder
 * @throws DataDirInUseError while a server runs over the data folder
 */
export async function move(env: NodeJS.ProcessEnv): Promise<ReadonlyMap<string, number>> {
  const { DATABASE_URL: _url, REDIS_URL: _redis, API_KEY_SALT: _salt, ...embedded } = env;
  const source = readConfig(embedded);
  const target = readConfig(env);
  if (target.stores.kind !== "served" || source.stores.kind !== "embedded") {
    throw new AdminError(
      "where to? set DATABASE_URL, REDIS_URL and API_KEY_SALT as the servers to come will have them",
    );
  }
  const { dataDir } = source.stores;
  const header = { apiKeySalt: saltOf(source) };
  keepSalt(target, header);
  // To its own: the lock of the data folder keeps every server away meanwhile.
  const postgres = await startEmbeddedPostgres({ dataDir });
  try {
    const rows = await loadDump(target.stores.databaseUrl, dumpDatabase(postgres.url, header.apiKeySalt), {
      migrationsFolder: migrationsFolder(),
      sourceWentOn: false,
    });
    await writeFile(movedMark(dataDir), `${new Date().toISOString()}\n`, { mode: 0o600 });
    return rows;
  } finally {
    await postgres.stop();
  }
}

async function refuseExisting(file: string): Promise<void> {
  const there = await stat(file).then(
    () => true,
    () => false,
  );
  if (there) throw new AdminError(`${resolve(file)} is there already; nothing is overwritten: choose another name`);
}

/** The database as it is, without a migration: that of a running server, or else of one that is stopped. */
async function openSource({ stores }: Config): Promise<OpenPostgres> {
  if (stores.kind === "served") return { url: stores.databaseUrl, close: async () => {} };
  await requireDatabase(stores.dataDir);
  const url = await runningEmbeddedPostgres(stores.dataDir);
  return url === undefined ? startOwn(stores.dataDir) : { url, close: async () => {} };
}

/** An empty data folder gets a database. */
async function openTarget({ stores }: Config): Promise<OpenPostgres> {
  return stores.kind === "served" ? { url: stores.databaseUrl, close: async () => {} } : startOwn(stores.dataDir);
}

async function startOwn(dataDir: string): Promise<OpenPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  return { url: postgres.url, close: () => postgres.stop() };
}

async function requireDatabase(dataDir: string): Promise<void> {
  await stat(join(dataDir, "postgres")).catch((cause: unknown) => {
    throw new AdminError(`there is no database in ${dataDir}; name the server's data folder with NEXUS_DATA_DIR`, {
      cause,
    });
  });
}

function saltOf({ apiKeySalt, stores }: Config): string {
  if (apiKeySalt !== undefined || stores.kind === "served") return apiKeySalt ?? "";
  const file = saltFile(stores.dataDir);
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new AdminError(`${file} can't be read; set API_KEY_SALT if the server has it from there`, { cause });
  }
}

/** The secret that keys were hashed with goes where they go. */
function keepSalt({ apiKeySalt, stores }: Config, dumped: Pick<DumpHeader, "apiKeySalt">): void {
  if (apiKeySalt === undefined && stores.kind === "embedded") {
    writeFileSync(saltFile(stores.dataDir), dumped.apiKeySalt, { mode: 0o600 });
  } else if (apiKeySalt !== dumped.apiKeySalt) {
    throw new AdminError(
      "API_KEY_SALT is not the one that the keys were made with, so none of them would be valid; it is in the file api-key-salt of the data folder, and in the first line of a backup",
    );
  }
}

async function* withLineBreaks(lines: AsyncIterable<string>): AsyncGenerator<string, void> {
  for await (const line of lines) yield `${line}\n`;
}

async function* linesOf(file: string): AsyncGenerator<string, void> {
  const text = createGunzip();
  // What goes wrong ends the iteration below.
  pipeline(createReadStream(file), text).catch(() => {});
  text.setEncoding("utf8");
  let rest = "";
  try {
    for await (const chunk of text) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (cause) {
    throw new LoadRefusedError(
      `${file} is no backup, or it is damaged (${cause instanceof Error ? cause.message : cause})`,
      {
        cause,
      },
    );
  }
}

/** What the file system says of a backup, in words that name the file; what others say stays as it is. */
function asUnwritten(error: unknown, file: string): unknown {
  if (!(error instanceof Error)) return error;
  const { syscall = "", code = "" }: NodeJS.ErrnoException = error;
  // A connection to PostgreSQL is written to, too.
  if (!["open", "write", "fsync", "link"].includes(syscall) || ["EPIPE", "ECONNRESET"].includes(code)) return error;
  const told = `${resolve(file)} can't be written, and nothing of it is left: ${error.message}`;
  return new AdminError(told, { cause: error });
}

async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().finally(() => handle.close());
}
