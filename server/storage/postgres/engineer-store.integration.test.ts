import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { randomApiKeyId } from "../../domain/auth/api-key-format.ts";
import type { EngineerId } from "../../domain/ids.ts";
import { createTestDatabase } from "../../testing/test-database.ts";
import { whileUncommitted } from "../../testing/while-uncommitted.ts";
import { PostgresApiKeyStore } from "./api-key-store.ts";
import { connectPostgres } from "./connect.ts";
import { PostgresEngineerStore } from "./engineer-store.ts";

const TIME = new Date("2026-01-01T00:00:00Z");
const ANA = { id: randomUUID() as EngineerId, name: "Ana", email: "Ana@example.com", createTime: TIME };

async function start() {
  const database = await createTestDatabase();
  const connection = connectPostgres(database.url, 4);
  onTestFinished(async () => {
    await connection.close();
    await database.drop();
  });
  return connection;
}

test("who asks whether anybody has registered waits for a registration under way", async () => {
  const connection = await start();

  const { waited, answer } = await whileUncommitted(
    connection,
    async (tx) => {
      const engineers = new PostgresEngineerStore(tx);
      expect(await engineers.anyRegistered()).toBe(false);
      await engineers.insert(ANA);
    },
    (tx) => new PostgresEngineerStore(tx).anyRegistered(),
  );

  expect({ waited, answer }).toEqual({ waited: true, answer: true });
});

test("who counts keys waits for who counted before and adds one", async () => {
  const connection = await start();
  await new PostgresEngineerStore(connection.db).insert(ANA);

  const { waited, answer } = await whileUncommitted(
    connection,
    async (tx) => {
      const apiKeys = new PostgresApiKeyStore(tx);
      expect(await apiKeys.count(ANA.id)).toBe(0);
      const key = { id: randomApiKeyId(), engineerId: ANA.id, name: "", lastFour: "0000", scope: "full" } as const;
      await apiKeys.insert({ ...key, createTime: TIME, lastUsedTime: undefined, expireTime: undefined }, "hash");
    },
    (tx) => new PostgresApiKeyStore(tx).count(ANA.id),
  );

  expect({ waited, answer }).toEqual({ waited: true, answer: 1 });
});

test("an engineer is found by email in any case, and inserted once", async () => {
  const engineers = new PostgresEngineerStore((await start()).db);
  expect(await engineers.insert(ANA)).toBe(true);

  const again = { ...ANA, id: randomUUID() as EngineerId, email: "aNA@EXAMPLE.com" };

  expect(await engineers.insert(again)).toBe(false);
  expect(await engineers.findByEmail(again.email)).toEqual(ANA);
  expect(await engineers.get(ANA.id)).toEqual(ANA);
  expect(await engineers.get(again.id)).toBeUndefined();
});

test("the last use of a key is noted to the minute and never goes back", async () => {
  const { db } = await start();
  await new PostgresEngineerStore(db).insert(ANA);
  const apiKeys = new PostgresApiKeyStore(db);
  const id = randomApiKeyId();
  await apiKeys.insert(
    {
      id,
      engineerId: ANA.id,
      name: "",
      lastFour: "0000",
      scope: "read",
      createTime: TIME,
      lastUsedTime: undefined,
      expireTime: undefined,
    },
    "hash",
  );

  await apiKeys.touch(id, new Date("2026-01-02T10:11:12.345Z"));
  await apiKeys.touch(id, new Date("2026-01-02T09:00:00Z"));

  const live = await apiKeys.findLive(id, TIME);
  expect(live).toMatchObject({ engineerName: "Ana", secretHash: "hash", key: { scope: "read" } });
  expect(live?.key.lastUsedTime).toEqual(new Date("2026-01-02T10:11:00Z"));
});
