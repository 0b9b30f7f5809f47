import { readFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";

/** What an operator should know of a PostgreSQL. */
export interface PostgresFindings {
  /** `18.4`. */
  readonly version: string;
  readonly majorVersion: number;
  readonly encoding: string;
  /** Settings without which what was committed may be lost, and that are off. */
  readonly unsafeSettings: readonly string[];
  /** It is a replica, or set to be read only. */
  readonly readOnly: boolean;
  readonly maxConnections: number;
  /** How far its clock is ahead of this process's, in milliseconds; exact to half the time of a call. */
  readonly clockAheadMs: number;
  /** Names of migrations that this program has and the database lacks. */
  readonly pendingMigrations: readonly string[];
  /** Migrations of the database that are later than all that this program has: a later version has made them. */
  readonly unknownMigrations: number;
}

interface Settings {
  readonly version: string;
  readonly number: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly read_only: string;
  readonly max_connections: number;
}

/**
 * Looks at a PostgreSQL without changing anything.
 *
 * @param migrationsFolder where this program's migrations are
 * @throws errors of the driver when it can't be reached
 */
export async function inspectPostgres(url: string, migrationsFolder: string): Promise<PostgresFindings> {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 5,
    connection: { statement_timeout: 5_000 },
    onnotice: () => {},
  });
  try {
    const [settings] = await sql<[Settings]>`
      select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
        current_setting('server_encoding') as encoding, current_setting('fsync') as fsync,
        current_setting('full_page_writes') as full_page_writes,
        current_setting('synchronous_commit') as synchronous_commit,
        current_setting('transaction_read_only') as read_only,
        current_setting('max_connections')::int as max_connections`;
    const sentMs = Date.now();
    const [{ now }] = await sql<[{ now: Date }]>`select clock_timestamp() as now`;
    const clockAheadMs = now.getTime() - (sentMs + Date.now()) / 2;
    return {
      version: settings.version,
      majorVersion: Math.floor(settings.number / 10_000),
      encoding: settings.encoding,
      unsafeSettings: (["fsync", "full_page_writes", "synchronous_commit"] as const).filter(
        (name) => settings[name] === "off",
      ),
      readOnly: settings.read_only === "on",
      maxConnections: settings.max_connections,
      clockAheadMs,
      ...compareMigrations(readMigrations(migrationsFolder), await appliedMigrations(sql)),
    };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** A migration as drizzle's journal names it. */
export interface Migration {
  /** `0000_initial`. */
  readonly tag: string;
  /** When it was made; it is what drizzle tells migrations apart by. */
  readonly when: number;
}

/** The migrations in a folder, the oldest first. */
export function readMigrations(folder: string): readonly Migration[] {
  const journal = JSON.parse(readFileSync(join(folder, "meta", "_journal.json"), "utf8")) as { entries: Migration[] };
  return journal.entries;
}

/** When the migrations were made that a database has; none for one that was never used. */
export async function appliedMigrations(sql: postgres.ISql): Promise<readonly number[]> {
  const [{ table }] = await sql<
    [{ table: string | null }]
  >`select to_regclass('drizzle.__drizzle_migrations') as table`;
  if (table === null) return [];
  const rows = await sql<{ created_at: string }[]>`select created_at from drizzle.__drizzle_migrations order by 1`;
  return rows.map(({ created_at }) => Number(created_at));
}

function compareMigrations(known: readonly Migration[], applied: readonly number[]) {
  const newest = known.at(-1)?.when ?? 0;
  return {
    pendingMigrations: known.filter(({ when }) => !applied.includes(when)).map(({ tag }) => tag),
    unknownMigrations: applied.filter((when) => when > newest).length,
  };
}
