import { randomBytes } from "node:crypto";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import { ClaimService } from "@nexus/gen/nexus/v1/claim_service_pb";
import { FeatureService } from "@nexus/gen/nexus/v1/feature_service_pb";
import { ProjectService } from "@nexus/gen/nexus/v1/project_service_pb";
import { SessionService } from "@nexus/gen/nexus/v1/session_service_pb";
import { inject, onTestFinished } from "vitest";
import type { ClaimStore } from "../domain/claims/claim-store.ts";
import { createLogger } from "../logger.ts";
import { type NexusServer, serveOver } from "../server.ts";
import { connectPostgres } from "../storage/postgres/connect.ts";
import { PostgresDatabase } from "../storage/postgres/database.ts";
import { connectRedis } from "../storage/redis/connect.ts";
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
  /** Moves every clock: the claim store's and the one that stamps records. */
  advance(ms: number): Promise<void>;
  /** Registers somebody of that name, whose email is new, and answers their clients. */
  join(name: string): Promise<TestEngineer>;
}

/** Clients that carry a key. */
export interface ApiClients {
  readonly auth: Client<typeof AuthService>;
  readonly projects: Client<typeof ProjectService>;
  readonly features: Client<typeof FeatureService>;
  readonly claims: Client<typeof ClaimService>;
  readonly sessions: Client<typeof SessionService>;
}

/** Somebody with a key. */
export interface TestEngineer extends ApiClients {
  readonly id: string;
  readonly email: string;
  readonly key: string;
}

/** Starts a server whose reconciler runs only when told to, for one test; it is gone when the test ends. */
export async function startNexus(kind: ClaimStoreKind): Promise<TestNexus> {
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  const moved =
    kind === "embedded"
      ? await movedEmbeddedStore()
      : await movedRedisStore(await connectRedis(inject("redisUrl")), inject("redisPrefix"));
  const database = new PostgresDatabase(connectPostgres(databaseUrl, 8));
  let nowMs = Date.parse("2026-01-01");
  const server = await serveOver(
    {
      database,
      claimStore: moved.store,
      description: `test: ${kind}`,
      lost: new Promise(() => {}),
      async close() {
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
      trustProxy: false,
      tls: undefined,
    },
    createLogger("silent"),
    { clock: { now: () => new Date(nowMs) }, reconcileOnCallOnly: true },
  );
  onTestFinished(() => server.stop());
  return {
    server,
    url: server.url,
    databaseUrl,
    claimStore: moved.store,
    async advance(ms) {
      nowMs += ms;
      await moved.advance(ms);
    },
    join: (name) => joinAs(server.url, name),
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
  const withKey: Interceptor = (next) => (call) => {
    if (key !== undefined) call.header.set("authorization", `Bearer ${key}`);
    return next(call);
  };
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1", interceptors: [withKey] });
  return {
    auth: createClient(AuthService, transport),
    projects: createClient(ProjectService, transport),
    features: createClient(FeatureService, transport),
    claims: createClient(ClaimService, transport),
    sessions: createClient(SessionService, transport),
  };
}
