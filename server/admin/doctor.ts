import { type Stats, statSync } from "node:fs";
import { lstat, readFile, stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { saltFile } from "../api-key-salt.ts";
import { type Config, ConfigError, readConfig } from "../config.ts";
import { runningEmbeddedPostgres } from "../storage/embedded/postgres.ts";
import { inspectPostgres, type PostgresFindings } from "../storage/postgres/inspect.ts";
import { inspectRedis } from "../storage/redis/inspect.ts";
import { readTlsPair } from "../tls-pair.ts";
import { migrationsFolder } from "../wiring.ts";
import { type Check, failure, ok, skipped, warning } from "./check.ts";

const OLDEST_POSTGRES = 15;
/** What one server process takes at most, with what its operator's commands need. */
const CONNECTIONS_PER_SERVER = 25;
/** Clocks of servers only stamp records: what is further off only looks wrong. */
const CLOCK_TOLERANCE_MS = 2_000;
const CERTIFICATE_DAYS = 14;
const DAY_MS = 24 * 60 * 60 * 1_000;
const LEAST_FREE_BYTES = 1_000_000_000;
const ANSWER_BOUND_MS = 3_000;

/** Looks at everything that a server with this environment needs, and changes nothing. */
export async function diagnose(env: NodeJS.ProcessEnv): Promise<readonly Check[]> {
  let config: Config;
  try {
    config = readConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ variable, description }) =>
      failure(variable, description, `set ${variable} as .env.example says`),
    );
  }
  const { stores } = config;
  const checks = stores.kind === "served" ? checkServed(stores) : checkEmbedded(stores.dataDir);
  return [
    ok("configuration", `stores are ${stores.kind}`),
    ...checkTls(config),
    await checkPort(config),
    ...(await checks),
  ];
}

function checkTls({ tls, host }: Config): Check[] {
  if (tls === undefined) return [ok("TLS", `none; listens on ${host}`)];
  try {
    const { expireTime } = readTlsPair(tls);
    const left = Math.floor((expireTime.getTime() - Date.now()) / DAY_MS);
    const found = `${tls.certFile} is good for another ${left} days`;
    return [
      left < CERTIFICATE_DAYS ? warning("TLS", found, "renew it, then send the server SIGHUP") : ok("TLS", found),
    ];
  } catch (error) {
    return [failure("TLS", messageOf(error), "put a pair there that belongs together, then send the server SIGHUP")];
  }
}

/** Whether the port is free, or this server's already. */
async function checkPort({ host, port, tls }: Config): Promise<Check> {
  if (port === 0) return ok("port", "any free one");
  const address = `${host}:${port}`;
  const problem = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  if (problem === undefined) return ok("port", `${address} is free: no server runs there`);
  if (problem.code !== "EADDRINUSE") return failure("port", messageOf(problem), "choose another HOST or PORT");
  if (tls !== undefined) return ok("port", `${address} is in use, by this server it is hoped`);
  const answer = await ready(`http://${address}`);
  if (answer === undefined) {
    return failure("port", `${address} is taken by another program`, "stop it, or choose another PORT");
  }
  if (!answer.ready) return failure("port", `a Nexus server at ${address} is not ready`, "read its log");
  return ok("port", `a Nexus server answers at ${address}`);
}

async function ready(url: string): Promise<{ readonly ready: boolean } | undefined> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(ANSWER_BOUND_MS) });
    const answer = (await response.json()) as { ready?: unknown };
    return typeof answer.ready === "boolean" ? { ready: answer.ready } : undefined;
  } catch {
    return undefined;
  }
}

async function checkServed(stores: { readonly databaseUrl: string; readonly redisUrl: string }): Promise<Check[]> {
  return [...(await checkPostgres(stores.databaseUrl)), ...(await checkRedis(stores.redisUrl))];
}

async function checkPostgres(url: string): Promise<Check[]> {
  let found: PostgresFindings;
  try {
    found = await inspectPostgres(url, migrationsFolder());
  } catch (error) {
    return [
      failure("postgres", `does not answer: ${messageOf(error)}`, "see that it runs, and what DATABASE_URL says"),
    ];
  }
  const { version, majorVersion, maxConnections, unsafeSettings } = found;
  return [
    majorVersion < OLDEST_POSTGRES
      ? failure("postgres version", `it is ${version}`, `upgrade to PostgreSQL ${OLDEST_POSTGRES} or later`)
      : ok("postgres version", version),
    found.encoding === "UTF8"
      ? ok("postgres encoding", "UTF8")
      : failure("postgres encoding", `it is ${found.encoding}`, "create the database with encoding UTF8"),
    found.readOnly
      ? failure("postgres role", "it is read only: a replica", "let DATABASE_URL name the primary")
      : ok("postgres role", "it takes writes"),
    unsafeSettings.length > 0
      ? failure(
          "postgres durability",
          `${unsafeSettings.join(", ")} off: what was answered may be lost when it crashes`,
          "turn them on",
        )
      : ok("postgres durability", "what is committed stays"),
    maxConnections < CONNECTIONS_PER_SERVER
      ? warning(
          "postgres connections",
          `max_connections is ${maxConnections}`,
          `${CONNECTIONS_PER_SERVER} for each server`,
        )
      : ok("postgres connections", `max_connections ${maxConnections}; a server takes up to ${CONNECTIONS_PER_SERVER}`),
    checkMigrations(found),
    checkClock("postgres clock", found.clockAheadMs),
  ];
}

function checkMigrations({ pendingMigrations, unknownMigrations }: PostgresFindings): Check {
  if (unknownMigrations > 0) {
    const detail = `the database has ${unknownMigrations} migrations that this version does not know`;
    return warning("migrations", detail, "run the version that made them; docs/operations/upgrade.md");
  }
  if (pendingMigrations.length === 0) return ok("migrations", "the tables are up to date");
  return warning(
    "migrations",
    `not applied yet: ${pendingMigrations.join(", ")}`,
    "the next start of a server applies them",
  );
}

async function checkRedis(url: string): Promise<Check[]> {
  try {
    const masters = await inspectRedis(url);
    return masters.flatMap((found, index) => {
      const name = masters.length === 1 ? "redis" : `redis ${index + 1} of ${masters.length}`;
      const { version, role, connectedReplicas, minReplicasToWrite, usedBytes, maxBytes, clockAheadMs } = found;
      // Connecting has checked the version and the eviction policy already.
      const checks = [
        ok(`${name} version`, `${version}, and evicts nothing`),
        checkClock(`${name} clock`, clockAheadMs),
      ];
      if (role !== "master") checks.push(failure(`${name} role`, `it is a ${role}`, "let REDIS_URL name the master"));
      if (connectedReplicas > 0 && minReplicasToWrite === 0) {
        checks.push(
          warning(
            `${name} replicas`,
            "a deposed master would go on granting leases",
            "set min-replicas-to-write 1; docs/claims.md",
          ),
        );
      }
      if (maxBytes > 0 && usedBytes > 0.8 * maxBytes) {
        const share = Math.round((100 * usedBytes) / maxBytes);
        checks.push(
          warning(`${name} memory`, `${share} % of maxmemory is used`, "raise maxmemory; docs/operations/sizing.md"),
        );
      }
      return checks;
    });
  } catch (error) {
    return [failure("redis", withCause(error), "see that it runs, and what REDIS_URL says")];
  }
}

function checkClock(name: string, aheadMs: number): Check {
  const rounded = Math.round(aheadMs);
  const detail = `${Math.abs(rounded)} ms ${rounded < 0 ? "behind" : "ahead of"} this machine's`;
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS) return ok(name, detail);
  return warning(name, detail, "have both set by NTP; no decision depends on it, times on the screen do");
}

async function checkEmbedded(dataDir: string): Promise<Check[]> {
  const folder = await stat(dataDir).catch(() => undefined);
  if (folder === undefined) return [skipped("data folder", `${dataDir} is not there: no server has run here`)];
  const checks = [checkFolder(dataDir, folder), await checkSalt(dataDir), await checkSpace(dataDir)];
  if ((await lstat(join(dataDir, "postgres")).catch(() => undefined)) === undefined) {
    return [...checks, skipped("postgres", "there is no database in the data folder yet")];
  }
  try {
    const url = await runningEmbeddedPostgres(dataDir);
    if (url === undefined) return [...checks, skipped("postgres", "not running: the server is stopped")];
    return [...checks, ...(await checkPostgres(url))];
  } catch (error) {
    return [...checks, failure("postgres", messageOf(error), "read postgres.log in the data folder")];
  }
}

function checkFolder(dataDir: string, folder: Stats): Check {
  const next = `chmod 700 ${dataDir}`;
  if (!folder.isDirectory()) return failure("data folder", `${dataDir} is no folder`, "choose another NEXUS_DATA_DIR");
  const user = process.getuid?.();
  if (user !== undefined && user !== 0 && folder.uid !== user) {
    return failure("data folder", `${dataDir} belongs to another user`, "run as that user, as the server does");
  }
  // Passing through is harmless, and needed where PostgreSQL runs under another account.
  if ((folder.mode & 0o066) !== 0) return warning("data folder", `others may read or write ${dataDir}`, next);
  return ok("data folder", dataDir);
}

async function checkSalt(dataDir: string): Promise<Check> {
  const file = saltFile(dataDir);
  try {
    await readFile(file);
    if ((statSync(file).mode & 0o077) === 0) return ok("api-key-salt", "only its owner may read it");
    return failure("api-key-salt", "others may read it", `chmod 600 ${file}`);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return skipped("api-key-salt", "the first start makes it, unless API_KEY_SALT is set");
    }
    return failure("api-key-salt", messageOf(error), `see who may read ${file}`);
  }
}

async function checkSpace(dataDir: string): Promise<Check> {
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  const detail = `${(free / 1e9).toFixed(1)} GB free`;
  return free < LEAST_FREE_BYTES ? warning("disk", detail, "make room, or move the data folder") : ok("disk", detail);
}

function messageOf(error: unknown): string {
  // A connection that is refused by every address of a name has no message of its own.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}

function withCause(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : "";
  return messageOf(error) + cause;
}
