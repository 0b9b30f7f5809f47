import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { expect, inject, onTestFinished, test } from "vitest";
import { startNexus } from "../testing/start-nexus.ts";
import { createTestDatabase } from "../testing/test-database.ts";
import { diagnose } from "./doctor.ts";

const TLS = fileURLToPath(new URL("../testing/fixtures/tls", import.meta.url));

async function served(): Promise<Record<string, string>> {
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  const stores = { DATABASE_URL: databaseUrl, REDIS_URL: inject("redisUrl") };
  return { ...stores, API_KEY_SALT: "a salt that only tests use", PORT: "0" };
}

/** What was found, by name; what is as it should be says only that. */
async function found(env: Record<string, string>): Promise<Record<string, string>> {
  const checks = await diagnose(env);
  return Object.fromEntries(
    checks.map(({ name, state, detail }) => [name, state === "ok" ? "ok" : `${state}: ${detail}`]),
  );
}

test("stores that are as they should be pass every check", async () => {
  const checks = await found(await served());

  // The tests' PostgreSQL trades durability for speed, and is told so.
  expect(checks).toMatchObject({
    "postgres version": "ok",
    "postgres durability":
      "failure: fsync, full_page_writes, synchronous_commit off: what was answered may be lost when it crashes",
    "postgres clock": "ok",
    migrations: "ok",
    "redis version": "ok",
    "redis clock": "ok",
  });
  expect(Object.values(checks).filter((found) => found !== "ok")).toHaveLength(1);
});

test("tables that an earlier or a later version has left are told apart", async () => {
  const env = await served();
  const sql = postgres(env["DATABASE_URL"] ?? "", { max: 1 });
  onTestFinished(() => sql.end());
  await sql`delete from drizzle.__drizzle_migrations where id = (select max(id) from drizzle.__drizzle_migrations)`;
  expect((await found(env))["migrations"]).toMatch(/^warning: not applied yet: \d{4}_\w+$/);

  await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('later', ${Date.parse("2100-01-01")})`;

  expect((await found(env))["migrations"]).toMatch(
    /^warning: the database has 1 migrations that this version does not/,
  );
});

test("stores that don't answer are failures, each on its own", async () => {
  const checks = await found({
    DATABASE_URL: "postgres://127.0.0.1:1/nexus",
    REDIS_URL: "redis://127.0.0.1:1",
    API_KEY_SALT: "a salt that only tests use",
    PORT: "0",
  });

  expect(checks["postgres"]).toMatch(/^failure: .*ECONNREFUSED/);
  expect(checks["redis"]).toMatch(/^failure: /);
});

test("a port is free, a Nexus server's, or somebody else's", async () => {
  const nexus = await startNexus("embedded");
  const stranger = createServer((socket) => socket.end("not Nexus")).listen(0, "127.0.0.1");
  onTestFinished(() => {
    stranger.close();
  });
  const portOf = async (port: string) => (await found({ NEXUS_DATA_DIR: "/nowhere", PORT: port }))["port"];

  expect(await portOf(new URL(nexus.url).port)).toBe("ok");
  expect(await portOf(String((stranger.address() as AddressInfo).port))).toMatch(/^failure: .* another program/);
});

test("files that others may read, and a certificate that has expired, are told", async () => {
  const folder = await mkdtemp(join(inject("scratchDir"), "doctor-"));
  const env = { NEXUS_DATA_DIR: folder, PORT: "0" };
  await writeFile(join(folder, "api-key-salt"), "0123456789abcdef", { mode: 0o600 });
  expect(await found(env)).toMatchObject({ "data folder": "ok", "api-key-salt": "ok" });

  await chmod(folder, 0o755);
  await chmod(join(folder, "api-key-salt"), 0o644);
  const expired = { NEXUS_TLS_CERT: join(TLS, "expired.crt"), NEXUS_TLS_KEY: join(TLS, "old.key") };

  expect(await found({ ...env, ...expired })).toMatchObject({
    "data folder": expect.stringMatching(/^warning: others may read/),
    "api-key-salt": "failure: others may read it",
    TLS: expect.stringMatching(/^failure: .* expired at 2020/),
  });
});

test("every variable that can't be meant is a failure of its own", async () => {
  expect(Object.keys(await found({ DATABASE_URL: "postgres://127.0.0.1/nexus", PORT: "none" }))).toEqual([
    "REDIS_URL",
    "API_KEY_SALT",
    "PORT",
  ]);
});
