import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { createTestDatabase } from "./test-database.ts";

test("two test databases share nothing", async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const sql = [postgres(one.url), postgres(other.url)] as const;
  onTestFinished(async () => {
    await Promise.all([...sql.map((client) => client.end()), one.drop(), other.drop()]);
  });

  await sql[0]`create table only_here (id int)`;

  const found = await sql[1]`select from information_schema.tables where table_name = 'only_here'`;
  expect(found).toHaveLength(0);
});

test("a dropped test database is gone, even while somebody is connected", async () => {
  const database = await createTestDatabase();
  const sql = postgres(database.url, { onnotice: () => {} });
  onTestFinished(() => sql.end());
  await sql`select 1`;

  await database.drop();

  await expect(sql`select 1`).rejects.toMatchObject({ code: expect.stringMatching(/^(57P01|3D000|CONNECTION_.*)$/) });
});
