import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { setTimeout as timeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { keptSalt } from "./api-key-salt.ts";
import { Argon2Hasher } from "./argon2-hasher.ts";
import type { Config, StoreConfig } from "./config.ts";
import { currentCall } from "./current-call.ts";
import { BoundedHasher } from "./domain/auth/bounded-hasher.ts";
import { KeyMaker } from "./domain/auth/key-maker.ts";
import { KeyVerifier } from "./domain/auth/key-verifier.ts";
import type { ClaimStore } from "./domain/claims/claim-store.ts";
import type { Clock } from "./domain/clock.ts";
import { EventHub } from "./domain/events/event-hub.ts";
import type { WakeUps } from "./domain/events/event-log.ts";
import { Choosing } from "./domain/features/choosing.ts";
import type { EngineerId } from "./domain/ids.ts";
import type { Project } from "./domain/projects/project.ts";
import { ClaimAccess } from "./domain/recovery/claim-access.ts";
import { endSession } from "./domain/recovery/expire-session.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import type { ServiceDeps } from "./rpc/routes.ts";
import { EmbeddedClaimStore } from "./storage/embedded/claim-store.ts";
import { runningEmbeddedPostgres, startEmbeddedPostgres } from "./storage/embedded/postgres.ts";
import { EmbeddedWakeUps } from "./storage/embedded/wakeups.ts";
import { MeasuredDatabase } from "./storage/measured-database.ts";
import { measuredStore, type StoreName } from "./storage/measured-store.ts";
import { connectPostgres } from "./storage/postgres/connect.ts";
import { PostgresDatabase } from "./storage/postgres/database.ts";
import { migrate } from "./storage/postgres/migrate.ts";
import { RedisClaimStore } from "./storage/redis/claim-store.ts";
import { connectRedis } from "./storage/redis/connect.ts";
import { RedisCluster } from "./storage/redis/redis-cluster.ts";
import { RedisWakeUps } from "./storage/redis/wakeups.ts";
import { watchDatabase, watchStore } from "./store-watch.ts";

/** Stores that are open, with what ends them. */
export interface OpenStores {
  readonly database: PostgresDatabase;
  readonly claimStore: ClaimStore;
  readonly wakeUps: WakeUps;
  /** Which stores these are, in words for the log. No credentials. */
  readonly description: string;
  /** Resolves when a store was lost for good and the server has to end. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

/** The machine's time of day. */
export const systemClock: Clock = { now: () => new Date() };

/** Where the migrations are: beside the bundle, or in the sources. */
export function migrationsFolder(): string {
  const bundled = fileURLToPath(new URL("./migrations", import.meta.url));
  return existsSync(bundled) ? bundled : fileURLToPath(new URL("./storage/postgres/migrations", import.meta.url));
}

/** A wait that keeps no process from ending. */
const pause = (ms: number) => timeout(ms, undefined, { ref: false });

/** Opens the configured stores and brings the tables up to date. */
export async function openStores(config: StoreConfig, logger: Logger): Promise<OpenStores> {
  if (config.kind === "embedded") {
    const { dataDir } = config;
    const postgres = await startEmbeddedPostgres({
      dataDir,
      logger: { info: (message) => logger.info(message), warn: (message) => logger.warn(message) },
    });
    try {
      await migrate(postgres.url, migrationsFolder());
    } catch (error) {
      await postgres.stop();
      throw error;
    }
    const wakeUps = new EmbeddedWakeUps();
    const database = new PostgresDatabase(connectPostgres(postgres.url), wakeUps);
    const claimStore = new EmbeddedClaimStore();
    return {
      database,
      claimStore,
      wakeUps,
      description: `embedded: a private PostgreSQL in ${dataDir}, claims in this process`,
      lost: postgres.lost,
      async close() {
        await claimStore.close();
        await database.close();
        await postgres.stop();
      },
    };
  }
  // Redis first: it is the quicker one to say that it does not do.
  const watch = { onError: (error: Error) => logger.warn({ err: error }, "lost the connection to Redis") };
  const redis = new URL(config.redisUrl).protocol.includes("+cluster")
    ? await RedisCluster.connect(config.redisUrl, watch)
    : await connectRedis(config.redisUrl, watch);
  const claimStore = new RedisClaimStore(redis);
  try {
    await migrate(config.databaseUrl, migrationsFolder());
  } catch (error) {
    await claimStore.close();
    throw error;
  }
  const wakeUps = new RedisWakeUps(config.redisUrl, watch);
  const database = new PostgresDatabase(connectPostgres(config.databaseUrl), wakeUps);
  return {
    database,
    claimStore,
    wakeUps,
    description: `served: PostgreSQL at ${hostOf(config.databaseUrl)}, Redis at ${hostOf(config.redisUrl)}`,
    // Both are somebody else's to bring back; meanwhile calls answer STORE_UNAVAILABLE.
    lost: new Promise(() => {}),
    async close() {
      await wakeUps.close();
      await claimStore.close();
      await database.close();
    },
  };
}

/**
 * Opens the database alone, for an operator's command: also while an embedded server runs over it.
 *
 * @returns the database and what closes it
 */
export async function openDatabase(
  config: StoreConfig,
  logger: Logger,
): Promise<{ database: PostgresDatabase; close: () => Promise<void> }> {
  const url = config.kind === "served" ? config.databaseUrl : await runningEmbeddedPostgres(config.dataDir);
  if (url === undefined) return openStores(config, logger);
  const database = new PostgresDatabase(connectPostgres(url, 2));
  return { database, close: () => database.close() };
}

/** What keeps the claims, as metrics call it. */
export function claimStoreName({ claimStore }: Pick<OpenStores, "claimStore">): StoreName {
  return claimStore instanceof EmbeddedClaimStore ? "embedded" : "redis";
}

/**
 * Makes keys; the work of it is bounded. Once the stores are open: embedded, the salt lies in their folder.
 *
 * @param onWait told that a hash waits for its turn; what it answers is called at its turn
 */
export function keyMaker(
  config: Pick<Config, "apiKeySalt" | "stores">,
  onWait?: () => () => void,
): { keys: KeyMaker; hasher: BoundedHasher } {
  const apiKeySalt = config.apiKeySalt ?? keptSalt(config.stores.kind === "embedded" ? config.stores.dataDir : "");
  const hasher = new BoundedHasher(new Argon2Hasher(apiKeySalt), onWait);
  return { keys: new KeyMaker(hasher, apiKeySalt), hasher };
}

/** Joins stores and domain: what the services and the reconciler work with. */
export function wire(
  config: Pick<Config, "apiKeySalt" | "stores" | "registration">,
  stores: Pick<OpenStores, "database" | "claimStore" | "wakeUps">,
  logger: Logger,
  metrics: Metrics,
  clock: Clock = systemClock,
): ServiceDeps {
  const alarm: ServiceDeps["alarm"] = (what, data) => {
    metrics.alarms.inc();
    logger.error({ alarm: what, ...data }, "something happened that the claims protocol says cannot");
  };
  const database = new MeasuredDatabase(stores.database, watchDatabase(metrics));
  const claimStore = measuredStore(stores.claimStore, watchStore(claimStoreName(stores), metrics));
  const claims = new ClaimAccess(database, claimStore, randomUUID, pause, {
    clock,
    alarm,
    onRebuilt(project) {
      metrics.rebuilds.inc();
      logger.info({ project }, "claims were rebuilt from PostgreSQL");
    },
  });
  const { keys, hasher } = keyMaker(config, () => {
    const endWait = currentCall()?.wait("queue");
    const endTimer = metrics.hashWaits.startTimer();
    return () => {
      endWait?.();
      endTimer();
    };
  });
  return {
    database,
    claims,
    clock,
    choosing: new Choosing({ database, claims, clock }),
    newId: randomUUID,
    pause,
    keys,
    verifier: new KeyVerifier({
      apiKeys: database.read.apiKeys,
      clock,
      hasher,
      onCheck: (result) => metrics.keyChecks.inc({ result }),
    }),
    registration: config.registration,
    hub: new EventHub({
      database,
      clock,
      wakeUps: stores.wakeUps,
      onFailure: (error) => logger.warn({ err: error }, "events could not be read; trying again"),
      onDelivery: (ageMs) => metrics.eventDelivery.observe(ageMs / 1_000),
    }),
    audit(what, data) {
      logger.info({ audit: what, ...data }, "audit");
    },
    alarm,
    deviation(kind, ageMs, data) {
      metrics.deviations.observe({ kind }, ageMs / 1_000);
      logger.warn({ deviation: kind, ageMs, ...data }, "the stores did not say the same; mended");
    },
    async endSessionsOf(project: Project, engineerId: EngineerId) {
      for (const session of await database.read.sessions.listAllOpen(project.id, engineerId)) {
        await endSession({ database, claims, clock }, project, session.id, {
          state: "expired",
          cause: "member-removed",
        });
      }
    },
    forgetClaims: (projectId) => claimStore.deleteProject(projectId),
  };
}

function hostOf(url: string): string {
  const { hostname, port } = new URL(url);
  return port === "" ? hostname : `${hostname}:${port}`;
}
