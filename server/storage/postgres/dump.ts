import { createHash, type Hash } from "node:crypto";
import postgres from "postgres";
import { appliedMigrations } from "./inspect.ts";

/** The first line of a dump: what it is of. */
export interface DumpHeader {
  /** The version of this format. */
  readonly nexusDump: 1;
  readonly createTime: string;
  /** When the migrations were made that the tables have. */
  readonly migrations: readonly number[];
  /** argon2's secret: without it no key that is in the dump can be verified. */
  readonly apiKeySalt: string;
}

/** A line before the rows of a table, each of which is a line: a JSON object. */
export interface DumpedTable {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: number;
}

/** The last line: without it the dump is cut short. */
export interface DumpTrailer {
  /** SHA-256 of all lines before, each with its line break. */
  readonly sha256: string;
}

const ROWS_AT_A_TIME = 500;

/** There is nothing to dump: no server has made its tables here. */
export class NothingToDumpError extends Error {
  override readonly name = "NothingToDumpError";

  constructor() {
    super("there are no tables of Nexus in this database: no server has used it yet");
  }
}

/**
 * Everything in a database, in one snapshot, also while servers work with it: lines of JSON, without line breaks.
 *
 * @param onTable told of every table before its rows
 * @throws NothingToDumpError, and errors of the driver
 */
export async function* dumpDatabase(
  url: string,
  apiKeySalt: string,
  onTable: (table: DumpedTable) => void = () => {},
): AsyncGenerator<string, void> {
  const sql = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    const connection = await sql.reserve();
    await connection`begin isolation level repeatable read, read only`;
    const migrations = await appliedMigrations(connection);
    if (migrations.length === 0) throw new NothingToDumpError();
    const header: DumpHeader = { nexusDump: 1, createTime: new Date().toISOString(), migrations, apiKeySalt };
    const hash = createHash("sha256");
    yield hashed(hash, JSON.stringify(header));
    for (const [table, columns] of await listColumns(connection)) {
      const [{ rows }] = await connection<[{ rows: number }]>`select count(*)::int as rows from ${sql(table)}`;
      const dumped: DumpedTable = { table, columns, rows };
      onTable(dumped);
      yield hashed(hash, JSON.stringify(dumped));
      const select = connection<{ row: string }[]>`
        select row_to_json(dumped)::text as row from (select ${sql([...columns])} from ${sql(table)}) dumped`;
      for await (const chunk of select.cursor(ROWS_AT_A_TIME)) {
        for (const { row } of chunk) yield hashed(hash, row);
      }
    }
    yield JSON.stringify({ sha256: hash.digest("hex") } satisfies DumpTrailer);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Takes a line into the checksum of the dump. */
export function hashed(hash: Hash, line: string): string {
  hash.update(line).update("\n");
  return line;
}

/** The columns of every table that hold what is not computed from others. */
async function listColumns(sql: postgres.ISql): Promise<ReadonlyMap<string, string[]>> {
  const columns = await sql<{ table: string; column: string }[]>`
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = 'public' and is_generated = 'NEVER' order by table_name, ordinal_position`;
  const tables = new Map<string, string[]>();
  for (const { table, column } of columns) tables.set(table, [...(tables.get(table) ?? []), column]);
  return tables;
}
