import { randomBytes } from "node:crypto";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import { ClaimService } from "@nexus/gen/nexus/v1/claim_service_pb";
import { EventService } from "@nexus/gen/nexus/v1/event_service_pb";
import { FeatureService } from "@nexus/gen/nexus/v1/feature_service_pb";
import { KnowledgeService } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { ProjectService } from "@nexus/gen/nexus/v1/project_service_pb";
import { RoadmapService } from "@nexus/gen/nexus/v1/roadmap_service_pb";
import { SessionService } from "@nexus/gen/nexus/v1/session_service_pb";
import type { DestinationStream } from "pino";
import { inject, onTestFinished } from "vitest";
import type { Config } from "../config.ts";
import type { ClaimStore } from "../domain/claims/claim-store.ts";
import type { WakeUps } from "../domain/events/event-log.ts";
import { createLogger } from "../logger.ts";
import { type NexusServer, serveOver } from "../server.ts";
import { EmbeddedWakeUps } from "../storage/embedded/wakeups.ts";
import { connectPostgres } from "../storage/postgres/connect.ts";
import { PostgresDatabase } from "../storage/postgres/database.ts";
import { connectRedis } from "../storage/redis/connect.ts";
import { RedisWakeUps } from "../storage/redis/wakeups.ts";
import type { SearchBounds } from "./claim-store-fixture.ts";
import { movedEmbeddedStore } from "./moved-embedded-store.ts";
import { movedRedisStore } from "./moved-redis-store.ts";
import { createTestDatabase } from "./test-database.ts";

/** Which claim store a test's server has. */
export type ClaimStoreKind = "redis" | "embedded";

/** A real server on a port of its own, over a database of the test's own. */
export interface TestNexus {
  readonly server: NexusServer;
  readonly url: string;
  readonly databaseUrl: string;
  readonly claimStore: ClaimStore;
  readonly wakeUps: WakeUps;
  /** Moves every clock: the claim store's and the one that stamps records. */
  advance(ms: number): Promise<void>;
  /** Registers somebody of that name, whose email is new, and answers their clients. */
  join(name: string): Promise<TestEngineer>;
  /** Clients that carry this key. */
  as(key: string): ApiClients;
  /** The events over gRPC on HTTP/2, whose flow control lets a reader stop reading. */
  overHttp2(key: string): Client<typeof EventService>;
}

/** Clients that carry a key. */
export interface ApiClients {
  readonly auth: Client<typeof AuthService>;
  readonly projects: Client<typeof ProjectService>;
  readonly features: Client<typeof FeatureService>;
  readonly claims: Client<typeof ClaimService>;
  readonly roadmap: Client<typeof RoadmapService>;
  readonly sessions: Client<typeof SessionService>;
  readonly events: Client<typeof EventService>;
  readonly knowledge: Client<typeof KnowledgeService>;
}

/** Somebody with a key. */
export interface TestEngineer extends ApiClients {
  readonly id: string;
  readonly email: string;
  readonly key: string;
}

/** How a test's server differs from others. */
export interface NexusOptions {
  /** Where its log goes, from `trace` on; nowhere by default. */
  readonly log?: DestinationStream;
  /** From when on a call counts as slow. */
  readonly slowMs?: number;
  readonly metricsAddress?: Config["metricsAddress"];
  readonly trustProxy?: boolean;
}

/** Starts a server whose reconciler runs only when told to, for one test; it is gone when the test ends. */
export async function startNexus(
  kind: ClaimStoreKind,
  bounds: SearchBounds = {},
  { log, slowMs, metricsAddress, trustProxy = false }: NexusOptions = {},
): Promise<TestNexus> {
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  const moved =
    kind === "embedded"
      ? await movedEmbeddedStore(bounds)
      : await movedRedisStore(await connectRedis(inject("redisUrl")), inject("redisPrefix"), bounds);
  const wakeUps =
    kind === "embedded"
      ? new EmbeddedWakeUps()
      : new RedisWakeUps(inject("redisUrl"), { prefix: inject("redisPrefix") });
  const database = new PostgresDatabase(connectPostgres(databaseUrl, 8), wakeUps);
  let nowMs = Date.parse("2026-01-01");
  const server = await serveOver(
    {
      database,
      claimStore: moved.store,
      wakeUps,
      description: `test: ${kind}`,
      lost: new Promise(() => {}),
      async close() {
        await wakeUps.close();
        await moved.store.close();
        await database.close();
      },
    },
    {
      stores: { kind: "embedded", dataDir: "" },
      apiKeySalt: "a salt that only tests use",
      host: "127.0.0.1",
      port: 0,
      logLevel: "silent",
      registration: "open",
      allowedOrigins: [],
      trustProxy,
      tls: undefined,
      metricsAddress,
      eventRetentionMs: 30 * 24 * 3_600_000,
    },
    log === undefined ? createLogger("silent") : createLogger("trace", log),
    {
      clock: { now: () => new Date(nowMs) },
      reconcileOnCallOnly: true,
      ...(slowMs !== undefined && { slowMs }),
    },
  );
  onTestFinished(() => server.stop());
  return {
    server,
    url: server.url,
    databaseUrl,
    claimStore: moved.store,
    wakeUps,
    async advance(ms) {
      nowMs += ms;
      await moved.advance(ms);
    },
    join: (name) => joinAs(server.url, name),
    as: (key) => clientsFor(server.url, key),
    overHttp2(key) {
      const sessionManager = new Http2SessionManager(server.url);
      onTestFinished(() => sessionManager.abort());
      const transport = createGrpcTransport({ baseUrl: server.url, interceptors: [withKey(key)], sessionManager });
      return createClient(EventService, transport);
    },
  };
}

/** Registers somebody new at a server. */
export async function joinAs(url: string, name: string): Promise<TestEngineer> {
  const email = `${name}-${randomBytes(4).toString("hex")}@example.com`;
  const { engineer, apiKey } = await clientsFor(url, undefined).auth.register({ name, email });
  return { ...clientsFor(url, apiKey), id: engineer?.id ?? "", email, key: apiKey };
}

/** Clients of a server that carry this key. */
export function clientsFor(url: string, key: string | undefined): ApiClients {
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1", interceptors: [withKey(key)] });
  return {
    auth: createClient(AuthService, transport),
    projects: createClient(ProjectService, transport),
    features: createClient(FeatureService, transport),
    claims: createClient(ClaimService, transport),
    roadmap: createClient(RoadmapService, transport),
    sessions: createClient(SessionService, transport),
    events: createClient(EventService, transport),
    knowledge: createClient(KnowledgeService, transport),
  };
}

/** Calls carry this key. */
export function withKey(key: string | undefined): Interceptor {
  return (next) => (call) => {
    if (key !== undefined) call.header.set("authorization", `Bearer ${key}`);
    return next(call);
  };
}
