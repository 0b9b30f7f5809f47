import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { StoreUnavailableError } from "../../domain/errors.ts";

/** Bounds of every connection, in milliseconds. A statement that takes longer is cancelled by the server. */
const STATEMENT_TIMEOUT_MS = 8_000;
const CONNECT_TIMEOUT_S = 5;

/** A pool of connections with drizzle on top. */
export type Connection = ReturnType<typeof connectPostgres>;
/** What queries run on: the pool, or a transaction. */
export type Queryable = Connection["db"] | Parameters<Parameters<Connection["db"]["transaction"]>[0]>[0];

/**
 * Opens a pool; connections are made when first needed.
 *
 * @param url `postgres://user:password@host:port/database`
 * @param maxConnections most connections at a time
 */
export function connectPostgres(url: string, maxConnections = 20) {
  const client = postgres(url, {
    max: maxConnections,
    connect_timeout: CONNECT_TIMEOUT_S,
    idle_timeout: 300,
    onnotice: () => {},
    connection: {
      application_name: "nexus",
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: 2 * STATEMENT_TIMEOUT_MS,
    },
  });
  return { client, db: drizzle(client), close: () => client.end({ timeout: 5 }) };
}

/** PostgreSQL's five-character error code of a failed query, where it has one. */
export function sqlState(error: unknown): string | undefined {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if ("code" in e && typeof e.code === "string") return e.code;
  }
  return undefined;
}

/** The constraint that a query violated, where it did. */
export function violatedConstraint(error: unknown): string | undefined {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if ("constraint_name" in e && typeof e.constraint_name === "string") return e.constraint_name;
  }
  return undefined;
}

/** Deadlock and serialisation failure: the transaction did not happen and may simply be run again. */
export function isRetriable(error: unknown): boolean {
  const state = sqlState(error);
  return state === "40P01" || state === "40001";
}

/** Turns what the driver throws when the database is away or too slow into the domain's error; all else stays. */
export function asStoreError(error: unknown): unknown {
  const state = sqlState(error);
  if (state === undefined) return error;
  const away =
    /^(ECONN|ENOTFOUND|EPIPE|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN|ENOENT|CONNECT_TIMEOUT|CONNECTION_)/.test(state) ||
    state.startsWith("08") ||
    state.startsWith("57P") ||
    state === "57014" ||
    state === "55P03" ||
    state === "53300" ||
    state === "25P03";
  return away ? new StoreUnavailableError("postgres", { cause: error }) : error;
}
