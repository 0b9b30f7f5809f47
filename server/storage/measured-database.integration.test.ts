import { expect, onTestFinished, test } from "vitest";
import { StoreUnavailableError } from "../domain/errors.ts";
import { createTestDatabase } from "../testing/test-database.ts";
import { MeasuredDatabase } from "./measured-database.ts";
import { connectPostgres } from "./postgres/connect.ts";
import { PostgresDatabase } from "./postgres/database.ts";

/** A watched database at this URL, and what it told. */
function watched(url: string) {
  const told: string[] = [];
  const connection = connectPostgres(url, 1);
  onTestFinished(() => connection.close());
  const database = new MeasuredDatabase(new PostgresDatabase(connection), {
    operation: (operation, _startedMs, answer) => {
      const end = (how: string) => told.push(`${operation} ${how}`);
      answer.then(
        () => end("done"),
        (error) => end(error instanceof StoreUnavailableError ? "away" : "failed"),
      );
    },
    waiting: () => {
      told.push("wait");
      return () => told.push("turn");
    },
    committed: (events) => told.push(`${events.length} committed`),
  });
  return { database, told };
}

test("a transaction waits, begins, and tells its operations; of one that is undone nothing was committed", async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const { database, told } = watched(url);

  await database.transact(async (tx) => tx.sessions.countAllOpen());
  const undone = database.transact(async (tx) => {
    tx.events.append({} as never);
    throw new Error("undone");
  });

  await expect(undone).rejects.toThrow("undone");
  expect(told).toEqual([
    ...["wait", "turn", "sessions.countAllOpen done", "transaction done"],
    ...["wait", "turn", "transaction failed"],
  ]);
});

test("a transaction that gets no connection is one that the store has not answered", async () => {
  const { database, told } = watched("postgres://nobody@127.0.0.1:1/none");

  await expect(database.transact(async () => {})).rejects.toThrow(StoreUnavailableError);
  await expect(database.snapshot(async () => {})).rejects.toThrow(StoreUnavailableError);

  expect(told).toEqual(["wait", "turn", "transaction away", "wait", "turn", "snapshot away"]);
});
