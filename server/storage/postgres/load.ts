import { createHash, type Hash, randomInt } from "node:crypto";
import { readMigrationFiles } from "drizzle-orm/migrator";
import postgres from "postgres";
import { type DumpedTable, type DumpHeader, type DumpTrailer, hashed } from "./dump.ts";
import { MIGRATION_LOCK } from "./migrate.ts";

/** How a dump is loaded. */
export interface LoadOptions {
  readonly migrationsFolder: string;
  /**
   * Whether work went on in the source after the dump was made. Then tokens and events were given out that the dump
   * does not know of: the loaded projects go on far beyond them.
   */
  readonly sourceWentOn: boolean;
  /** Called with the header before anything is loaded; what it throws ends the load. */
  readonly onHeader?: (header: DumpHeader) => void;
}

/** A dump that can't be loaded, or a place that it can't be loaded into; nothing was changed. */
export class LoadRefusedError extends Error {
  override readonly name = "LoadRefusedError";
}

const CHARACTERS_AT_A_TIME = 1_000_000;
/** Epochs that may have begun, and events that may have happened, between a dump and its loading. */
const LEAST_EPOCHS = 1_000;
const EVENTS_PER_EPOCH = 1_000_000;

/**
 * Loads a dump into a database without tables, in one transaction: all of it is there afterwards, or nothing. The tables
 * are made as they were when it was dumped, filled, checked, and then brought up to date.
 *
 * Every project's epoch is raised, so that no fencing token of the source is ever given again, and claims are rebuilt
 * when a server starts.
 *
 * @returns rows by table
 * @throws LoadRefusedError, and errors of the driver
 */
export async function loadDump(
  url: string,
  lines: AsyncIterable<string>,
  { migrationsFolder, sourceWentOn, onHeader }: LoadOptions,
): Promise<ReadonlyMap<string, number>> {
  const known = readMigrationFiles({ migrationsFolder });
  const client = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    return await client.begin(async (sql) => {
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
      await requireEmpty(sql);
      const dump = new DumpReader(lines);
      const header = await dump.header();
      onHeader?.(header);
      const later = header.migrations.filter((when) => !known.some(({ folderMillis }) => folderMillis === when));
      if (later.length > 0) {
        throw new LoadRefusedError(
          "the dump was made by a later version of Nexus; load it with that version or a later one",
        );
      }
      await sql`create schema if not exists drizzle`;
      await sql`create table if not exists drizzle.__drizzle_migrations
        (id serial primary key, hash text not null, created_at bigint)`;
      const isOld = ({ folderMillis }: { readonly folderMillis: number }) => header.migrations.includes(folderMillis);
      for (const migration of known.filter(isOld)) await apply(sql, migration);
      const references = await dropReferences(sql);
      const rows = new Map<string, number>();
      for await (const { table, columns, rows: expected, batches } of dump.tables()) {
        for await (const batch of batches) await insert(sql, table, columns, batch);
        rows.set(table, expected);
      }
      await continueIdentities(sql);
      // Checks that every row refers to one that is there.
      for (const { table, name, definition } of references) {
        await sql.unsafe(`alter table ${table} add constraint ${quote(name)} ${definition}`);
      }
      for (const migration of known.filter((each) => !isOld(each))) await apply(sql, migration);
      await goOnBeyond(sql, sourceWentOn);
      return rows;
    });
  } catch (error) {
    throw asRefusal(error);
  } finally {
    await client.end({ timeout: 1 });
  }
}

async function requireEmpty(sql: postgres.ISql): Promise<void> {
  const [found] = await sql<{ name: string }[]>`
    select schemaname || '.' || tablename as name from pg_tables where schemaname in ('public', 'drizzle') limit 1`;
  if (found === undefined) return;
  throw new LoadRefusedError(
    `the database has tables already (${found.name}); nothing is overwritten: take an empty one`,
  );
}

async function apply(
  sql: postgres.ISql,
  migration: { readonly sql: readonly string[]; readonly hash: string; readonly folderMillis: number },
): Promise<void> {
  for (const statement of migration.sql) await sql.unsafe(statement);
  await sql`insert into drizzle.__drizzle_migrations (hash, created_at)
    values (${migration.hash}, ${migration.folderMillis})`;
}

/** Takes away what rows refer to each other by, so that tables can be filled one after the other. */
async function dropReferences(sql: postgres.ISql) {
  const references = await sql<{ table: string; name: string; definition: string }[]>`
    select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`;
  for (const { table, name } of references) await sql.unsafe(`alter table ${table} drop constraint ${quote(name)}`);
  return references;
}

async function insert(sql: postgres.ISql, table: string, columns: readonly string[], rows: string): Promise<void> {
  const names = columns.map(quote).join(", ");
  await sql.unsafe(
    `insert into ${quote(table)} (${names}) overriding system value
      select ${names} from json_populate_recordset(null::${quote(table)}, $1::text::json)`,
    [rows],
  );
}

/** Columns that number their rows go on after the greatest number that there is. */
async function continueIdentities(sql: postgres.ISql): Promise<void> {
  const identities = await sql<{ table: string; column: string }[]>`
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = 'public' and is_identity = 'YES'`;
  for (const { table, column } of identities) {
    await sql.unsafe(
      `select setval(pg_get_serial_sequence($1, $2), coalesce(max(${quote(column)}), 1), max(${quote(column)}) is not null)
        from ${quote(table)}`,
      [`public.${quote(table)}`, column],
    );
  }
}

/**
 * Raises epochs; where work went on in the source, by more than it can have had since, and by a random part, so that
 * two loads of one dump give different tokens. Events are then numbered anew as well: who watched the source is told
 * that its cursor is no longer good, and does not miss anything without knowing.
 */
async function goOnBeyond(sql: postgres.ISql, sourceWentOn: boolean): Promise<void> {
  const epochs = sourceWentOn ? LEAST_EPOCHS + randomInt(LEAST_EPOCHS) : 1;
  const events = sourceWentOn ? epochs * EVENTS_PER_EPOCH : 0;
  await sql`update projects set epoch = epoch + ${epochs}, event_sequence = event_sequence + ${events}::bigint`;
  if (events > 0) await sql`update events set sequence = sequence + ${events}::bigint`;
}

/** One table of a dump, its rows as JSON arrays. */
interface TableReader extends DumpedTable {
  readonly batches: AsyncIterable<string>;
}

/** Reads the lines of a dump, and that all of them are there. */
class DumpReader {
  private readonly lines: AsyncIterator<string>;
  private readonly hash: Hash = createHash("sha256");

  constructor(lines: AsyncIterable<string>) {
    this.lines = lines[Symbol.asyncIterator]();
  }

  async header(): Promise<DumpHeader> {
    const header = parse<DumpHeader>(hashed(this.hash, await this.line()));
    if (header.nexusDump !== 1 || !Array.isArray(header.migrations))
      throw new LoadRefusedError("this is no dump of Nexus");
    return header;
  }

  /** The tables; ends when the trailer says that everything was there. */
  async *tables(): AsyncGenerator<TableReader, void> {
    for (;;) {
      const line = await this.line();
      const said = parse<DumpedTable | DumpTrailer>(line);
      if ("sha256" in said) {
        if (said.sha256 === this.hash.digest("hex")) return;
        throw new LoadRefusedError("the dump is damaged: its checksum is another");
      }
      hashed(this.hash, line);
      yield { ...said, batches: this.batches(said.rows) };
    }
  }

  private async *batches(rows: number): AsyncGenerator<string, void> {
    let batch: string[] = [];
    let characters = 0;
    for (let row = 1; row <= rows; row++) {
      const line = hashed(this.hash, await this.line());
      batch.push(line);
      characters += line.length;
      if (characters < CHARACTERS_AT_A_TIME && row < rows) continue;
      yield `[${batch.join(",")}]`;
      batch = [];
      characters = 0;
    }
  }

  private async line(): Promise<string> {
    const next = await this.lines.next();
    if (next.done === true) throw new LoadRefusedError("the dump is cut short");
    return next.value;
  }
}

function parse<Line extends object>(line: string): Line {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as Line;
  } catch {}
  throw new LoadRefusedError("this is no dump of Nexus, or it is damaged");
}

/** What PostgreSQL, or the reader of the file, says of a dump whose content can't be. */
function asRefusal(error: unknown): unknown {
  if (error instanceof postgres.PostgresError && /^2[23]/.test(error.code)) {
    return new LoadRefusedError(`the dump is damaged: ${error.message}`, { cause: error });
  }
  return error;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
