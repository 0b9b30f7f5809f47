import { Redis } from "ioredis";
import { StoreUnavailableError } from "../../domain/errors.ts";

export interface ConnectOptions {
  /** How long a call may take before its outcome counts as unknown. Milliseconds. */
  readonly commandTimeoutMs?: number;
  /** How long making a connection may take. Milliseconds. */
  readonly connectTimeoutMs?: number;
  /** Told of every lost or failed connection; the connection is made again by itself. */
  readonly onError?: (error: Error) => void;
}

/** This Redis can't keep claims: it is too old, or may throw them away. The message says what to set. */
export class RedisUnsuitableError extends Error {
  override readonly name = "RedisUnsuitableError";

  constructor(
    readonly setting: "version" | "maxmemory-policy",
    readonly found: string,
    readonly needed: string,
  ) {
    super(
      setting === "version"
        ? `this Redis is version ${found}; Nexus needs Redis ${needed} or later, or Valkey`
        : `this Redis may evict claims (maxmemory-policy ${found}); set "maxmemory-policy ${needed}" in its configuration`,
    );
  }
}

const OLDEST_MAJOR = 7;
const COMMAND_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Connects to the Redis that keeps the claims and makes sure that it can be trusted with them.
 *
 * A call that can't be sent now, or whose answer was lost, fails at once: nothing is queued and nothing is sent twice,
 * because the first sending may have worked.
 *
 * @param url `redis://` or `rediss://`, with credentials and database if need be
 * @throws RedisUnsuitableError when its version or its configuration does not do
 * @throws StoreUnavailableError when it does not answer
 */
export async function connectRedis(url: string, options: ConnectOptions = {}): Promise<Redis> {
  const commandTimeout = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
  const redis = new Redis(url, {
    lazyConnect: true,
    protocol: 2,
    connectionName: "nexus",
    connectTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    commandTimeout,
    // A connection that has gone silent is replaced, not waited for by one call after the other.
    socketTimeout: 2 * commandTimeout,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * attempt, LONGEST_PAUSE_MS),
    // A master that became a replica: look for the new one, without sending the call again.
    reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 1 : false),
  });
  redis.on("error", (error: Error) => options.onError?.(error));
  try {
    await redis.connect();
    checkServer(await redis.info());
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error instanceof RedisUnsuitableError ? error : new StoreUnavailableError("claims", { cause: error });
  }
}

/**
 * Checks by its INFO that a Redis can be trusted with claims.
 *
 * @throws RedisUnsuitableError
 */
export function checkServer(info: string): void {
  const version = infoField(info, "redis_version") ?? "unknown";
  if (!(Number.parseInt(version, 10) >= OLDEST_MAJOR)) {
    throw new RedisUnsuitableError("version", version, String(OLDEST_MAJOR));
  }
  const policy = infoField(info, "maxmemory_policy") ?? "unknown";
  if (policy !== "noeviction") {
    throw new RedisUnsuitableError("maxmemory-policy", policy, "noeviction");
  }
}

/** One field of Redis' INFO. */
export function infoField(info: string, name: string): string | undefined {
  const line = info.split("\r\n").find((each) => each.startsWith(`${name}:`));
  return line?.slice(name.length + 1);
}
