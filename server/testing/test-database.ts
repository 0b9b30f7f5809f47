import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { inject } from "vitest";
import { TEMPLATE_DATABASE } from "./template-database.ts";

/** A migrated, otherwise empty database of one test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Deletes it, cutting what is connected. Safe to call again; the end of the run deletes it in any case. */
  drop(): Promise<void>;
}

/** Clones the run's migrated template, or PostgreSQL's own without any table. */
export async function createTestDatabase(template: "migrated" | "empty" = "migrated"): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const source = template === "empty" ? "template0" : TEMPLATE_DATABASE;
  await asAdmin((admin) => admin`create database ${admin(name)} template ${admin(source)}`);
  return {
    url: new URL(`/${name}`, inject("postgresAdminUrl")).href,
    async drop() {
      await asAdmin((admin) => admin`drop database if exists ${admin(name)} with (force)`);
    },
  };
}

async function asAdmin(statement: (admin: postgres.Sql) => Promise<unknown>): Promise<void> {
  const admin = postgres(inject("postgresAdminUrl"), { max: 1, onnotice: () => {} });
  try {
    await statement(admin);
  } finally {
    await admin.end();
  }
}
