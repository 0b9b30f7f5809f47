import { eq, sql } from "drizzle-orm";
import type { Engineer, EngineerStore } from "../../domain/auth/engineer.ts";
import type { EngineerId } from "../../domain/ids.ts";
import type { Queryable } from "./connect.ts";
import { engineers } from "./schema/index.ts";

/** What registrations on a closed server take turns by; any number will do, as long as it is ours. */
const REGISTRATION_LOCK = 4_117_206;

/** Engineers in PostgreSQL. */
export class PostgresEngineerStore implements EngineerStore {
  constructor(private readonly db: Queryable) {}

  async insert(engineer: Engineer): Promise<boolean> {
    const inserted = await this.db
      .insert(engineers)
      .values(engineer)
      .onConflictDoNothing()
      .returning({ id: engineers.id });
    return inserted.length > 0;
  }

  async get(id: EngineerId): Promise<Engineer | undefined> {
    const [row] = await this.db.select().from(engineers).where(eq(engineers.id, id));
    return row && engineerFromRow(row);
  }

  async findByEmail(email: string): Promise<Engineer | undefined> {
    const [row] = await this.db.select().from(engineers).where(sql`lower(${engineers.email}) = lower(${email})`);
    return row && engineerFromRow(row);
  }

  async anyRegistered(): Promise<boolean> {
    // A statement of its own: the next one has to see what those who held the lock have committed.
    await this.db.execute(sql`select pg_advisory_xact_lock(${REGISTRATION_LOCK}::bigint)`);
    const found = await this.db.select({ id: engineers.id }).from(engineers).limit(1);
    return found.length > 0;
  }
}

/** An engineer from a row of the table. */
export function engineerFromRow(row: typeof engineers.$inferSelect): Engineer {
  return { ...row, id: row.id as EngineerId };
}
