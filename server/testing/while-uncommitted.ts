import { expect } from "vitest";
import type { Connection, Queryable } from "../storage/postgres/connect.ts";

/**
 * Runs `second` in a transaction that starts when `first` has run but not committed, and lets `first` commit when
 * `second` waits for a lock or has answered. Answers which of the two it was, and what `second` answered.
 */
export async function whileUncommitted<T>(
  { client, db }: Connection,
  first: (tx: Queryable) => Promise<unknown>,
  second: (tx: Queryable) => Promise<T>,
): Promise<{ waited: boolean; answer: T }> {
  const ran = Promise.withResolvers<void>();
  const mayCommit = Promise.withResolvers<void>();
  const early = db.transaction(async (tx) => {
    await first(tx);
    ran.resolve();
    await mayCommit.promise;
  });
  await Promise.race([ran.promise, early]);
  let answered = false;
  const late = db.transaction(second).finally(() => {
    answered = true;
  });
  const waiting = async () => {
    const found = await client`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return found.length > 0;
  };
  await expect.poll(async () => answered || (await waiting())).toBe(true);
  const waited = !answered;
  mayCommit.resolve();
  await early;
  return { waited, answer: await late };
}
