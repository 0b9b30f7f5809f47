import { inject, onTestFinished } from "vitest";
import type { ProjectId } from "../../domain/ids.ts";
import { createLogger } from "../../logger.ts";
import { serveOver } from "../../server.ts";
import { EmbeddedClaimStore } from "../../storage/embedded/claim-store.ts";
import { EmbeddedWakeUps } from "../../storage/embedded/wakeups.ts";
import { connectPostgres } from "../../storage/postgres/connect.ts";
import { PostgresDatabase } from "../../storage/postgres/database.ts";
import { RedisClaimStore } from "../../storage/redis/claim-store.ts";
import { connectRedis } from "../../storage/redis/connect.ts";
import { auditStores } from "../audit-stores.ts";
import { arm, disarm, hasFired } from "../bundle/failpoint.ts";
import { type ClaimStoreKind, joinAs } from "../start-nexus.ts";
import type { ObedientServer } from "../start-testing-server.ts";
import { createTestDatabase } from "../test-database.ts";
import { type CrashSite, clientsOnce } from "./cell.ts";

/**
 * Two servers over the same stores in this process, for one test: quick, but nothing can be killed. The test file puts
 * the modules of the testing bundle in the place of the domain's; all servers of the process share what is armed.
 */
export async function inProcessSite(kind: ClaimStoreKind): Promise<CrashSite> {
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  const wakeUps = new EmbeddedWakeUps();
  const database = new PostgresDatabase(connectPostgres(databaseUrl, 8), wakeUps);
  const claimStore =
    kind === "embedded"
      ? new EmbeddedClaimStore()
      : new RedisClaimStore(await connectRedis(inject("redisUrl")), { prefix: inject("redisPrefix") });
  onTestFinished(async () => {
    await wakeUps.close();
    await claimStore.close();
    await database.close();
  });

  async function start(): Promise<ObedientServer> {
    const server = await serveOver(
      { database, claimStore, wakeUps, description: kind, lost: new Promise(() => {}), close: async () => {} },
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
        metricsAddress: undefined,
        eventRetentionMs: 3_600_000,
      },
      createLogger("silent"),
      { reconcileOnCallOnly: true },
    );
    onTestFinished(() => server.stop());
    return {
      url: server.url,
      arm: async (step, action) => arm(step, action),
      disarm: async () => disarm(),
      fired: async (step) => hasFired(step),
      reconcile: () => server.reconcile(),
      audit: (projectId) => auditStores({ database, claimStore }, projectId as ProjectId),
      forget: (projectId) => claimStore.deleteProject(projectId as ProjectId),
    };
  }

  const [armed, other] = [await start(), await start()];
  const people = { ana: await joinAs(armed.url, "ana"), ben: await joinAs(armed.url, "ben") };
  return {
    armed: async () => armed,
    other: async () => other,
    clients: clientsOnce(people),
    benEmail: people.ben.email,
    losesClaims: false,
  };
}
