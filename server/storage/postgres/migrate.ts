import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as runMigrations } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";

/** The advisory lock that servers starting at the same time take turns by; any number will do, as long as it is ours. */
export const MIGRATION_LOCK = 4_117_205;

/**
 * Brings the database's tables up to date. Servers that start together take turns; the later ones find nothing to do.
 *
 * @param folder where the migrations are
 */
export async function migrate(url: string, folder: string): Promise<void> {
  const client = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    await client`set lock_timeout = '60s'`;
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await runMigrations(drizzle(client), { migrationsFolder: folder });
  } finally {
    await client.end({ timeout: 5 });
  }
}
