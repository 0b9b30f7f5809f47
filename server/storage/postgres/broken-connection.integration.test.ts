import { setTimeout as pause } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { TcpProxy } from "../../testing/soak/tcp-proxy.ts";
import { createTestDatabase } from "../../testing/test-database.ts";
import { type Connection, connectPostgres } from "./connect.ts";

/** A pool whose connections lead through a proxy that can cut them. */
async function connectThroughProxy(connections: number) {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const proxy = await TcpProxy.start(Number(new URL(url).port));
  onTestFinished(() => proxy.close());
  const through = new URL(url);
  through.port = String(proxy.port);
  const connection = connectPostgres(through.href, connections);
  onTestFinished(connection.close);
  await connection.db.execute(sql`create table notes (word text)`);
  return { proxy, ...connection };
}

/** Every connection of the pool answers. */
async function serves(db: Connection["db"], connections: number): Promise<void> {
  const askAll = () => Promise.all(Array.from({ length: connections }, () => db.execute(sql`select 1`)));
  await expect.poll(askAll, { timeout: 20_000 }).toHaveLength(connections);
}

test("what is left of a transaction whose connection broke is not run on the next connection", async () => {
  const { proxy, db } = await connectThroughProxy(1);
  const inserted = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const second = Promise.withResolvers<string>();
  const broken = db.transaction(async (tx) => {
    await tx.execute(sql`insert into notes values ('first')`);
    inserted.resolve();
    await goOn.promise;
    await tx.execute(sql`insert into notes values ('second')`).then(
      () => second.resolve("inserted"),
      () => second.resolve("refused"),
    );
  });
  broken.catch(() => {});
  await inserted.promise;

  proxy.cut();
  await expect(broken).rejects.toThrow();
  await db.execute(sql`select 1`);
  goOn.resolve();

  expect(await second.promise).toBe("refused");
  expect([...(await db.execute(sql`select word from notes`))]).toEqual([]);
});

test("a pool whose connections break in the middle of work serves again", async () => {
  const { proxy, db } = await connectThroughProxy(4);
  for (let round = 0; round < 40; round++) {
    const work = Array.from({ length: 12 }, (_, index) =>
      index % 2 === 0
        ? db.execute(sql`select ${index}::int`)
        : db.transaction(async (tx) => {
            for (let step = 0; step < 4; step++) await tx.execute(sql`select ${step}::int`);
          }),
    );
    const settled = Promise.allSettled(work);
    await work[round % 12]?.catch(() => {});
    proxy.cut(round % 3 === 0 ? "reset" : "ended");
    await settled;
    // One that the cut reaches only now may fail; none may hang.
    const answers = Array.from({ length: 8 }, () => db.execute(sql`select 1`));
    await Promise.allSettled(answers);
    await serves(db, 4);
  }
});

test("connections that break while they are being made fail the queries that wait for them, and nothing else", async () => {
  const { proxy, db } = await connectThroughProxy(6);
  for (let round = 0; round < 60; round++) {
    proxy.cut();
    const settled = Promise.allSettled(
      Array.from({ length: 12 }, () => db.transaction((tx) => tx.execute(sql`select 1`))),
    );
    await pause(round % 15);
    proxy.cut(round % 2 === 0 ? "ended" : "reset");
    await settled;
  }
  await serves(db, 6);
});

test("a pool that was refused more often than it has connections serves again when the database is back", async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const first = await TcpProxy.start(Number(new URL(url).port));
  await first.close();
  const through = new URL(url);
  through.port = String(first.port);
  const { db, close } = connectPostgres(through.href, 2);
  onTestFinished(close);
  for (let attempt = 0; attempt < 6; attempt++) {
    await expect(db.execute(sql`select 1`)).rejects.toThrow();
  }

  const again = await TcpProxy.start(Number(new URL(url).port), first.port);
  onTestFinished(() => again.close());

  await serves(db, 2);
});
