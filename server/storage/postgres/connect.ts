import { connect, type Socket } from "node:net";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { ResourceNotFoundError, StoreUnavailableError } from "../../domain/errors.ts";

/** Bounds of every connection, in milliseconds. A statement that takes longer is cancelled by the server. */
const STATEMENT_TIMEOUT_MS = 8_000;
const CONNECT_TIMEOUT_S = 5;
/** A connection that says nothing for so long although a statement runs is given up: the other end is gone, or cut off. */
const SILENCE_MS = STATEMENT_TIMEOUT_MS + 4_000;
/** Between the end of a connection and the next one in its place. */
const LONGEST_BACKOFF_S = 0.25;
/** Connections that are not needed are closed before they could count as silent. */
const IDLE_S = 8;

/** A pool of connections with drizzle on top. */
export type Connection = ReturnType<typeof connectPostgres>;
/** What queries run on: the pool, or a transaction. */
export type Queryable = Connection["db"] | Parameters<Parameters<Connection["db"]["transaction"]>[0]>[0];

/**
 * Opens a pool; connections are made when first needed.
 *
 * @param url `postgres://user:password@host:port/database`
 * @param maxConnections most connections at a time
 * @param silenceMs a connection that says nothing for so long is given up; more than a statement may take
 */
export function connectPostgres(url: string, maxConnections = 20, silenceMs = SILENCE_MS) {
  const client = postgres(url, {
    max: maxConnections,
    connect_timeout: CONNECT_TIMEOUT_S,
    idle_timeout: IDLE_S,
    // By itself it waits for up to 20 s, while queries wait with it, after a database that was away for a moment.
    backoff: () => LONGEST_BACKOFF_S * (0.2 + 0.8 * Math.random()),
    // Nobody would catch what goes wrong in that query. Arrays are drizzle's business.
    fetch_types: false,
    // The driver has this option, its type declarations do not.
    ...({ socket: (target: SocketTarget) => connectSocket(target, silenceMs) } as object),
    onnotice: () => {},
    connection: {
      application_name: "nexus",
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: 2 * STATEMENT_TIMEOUT_MS,
    },
  });
  return { client, db: drizzle(client), silenceMs, close: () => client.end({ timeout: 5 }) };
}

/** What postgres.js makes of the URL, as far as a socket is concerned. */
interface SocketTarget {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path?: string | false;
}

/**
 * A socket that ends itself when it has been silent for too long, since the driver waits without a bound. It is not
 * connected yet: the driver never uses a place in its pool again whose socket it did not get.
 */
function connectSocket({ host, port, path }: SocketTarget, silenceMs: number): Socket {
  const socket = path ? connect(path) : connect({ host: host[0] ?? "localhost", port: port[0] ?? 5432 });
  const silent = Object.assign(new Error("PostgreSQL does not answer"), { code: "ETIMEDOUT" });
  socket.setTimeout(CONNECT_TIMEOUT_S * 1_000, () => socket.destroy(silent));
  socket.once("connect", () => socket.setTimeout(silenceMs).setNoDelay(true));
  return socket;
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
  // What a new row refers to was deleted between the look at it and the writing.
  if (state === "23503")
    return new ResourceNotFoundError("resource", violatedConstraint(error) ?? "", "it was deleted");
  const away =
    /^(ECONN|ENOTFOUND|EPIPE|ETIMEDOUT|EHOSTUNREACH|EAI_AGAIN|ENOENT|CONNECT_TIMEOUT|CONNECTION_)/.test(state) ||
    state.startsWith("08") ||
    state.startsWith("57P") ||
    state === "57014" ||
    state === "55P03" ||
    state === "53300" ||
    state === "25006" ||
    // A deadlock or serialisation failure that came again and again.
    state === "40P01" ||
    state === "40001" ||
    state === "25P03";
  return away ? new StoreUnavailableError("postgres", { cause: error }) : error;
}
