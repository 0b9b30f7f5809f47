import { once } from "node:events";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { expect, onTestFinished, test } from "vitest";
import { newFolder } from "./testing/new-folder.ts";
import { startRedisCluster } from "./testing/redis-cluster-servers.ts";
import { clientsFor, joinAs } from "./testing/start-nexus.ts";
import { type ServerProcess, startServerProcess } from "./testing/start-server-process.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

async function dataDir(): Promise<string> {
  return newFolder("process");
}

async function start(folder: string): Promise<ServerProcess> {
  const server = await startServerProcess({ NEXUS_DATA_DIR: folder });
  onTestFinished(async () => {
    await server.end();
  });
  return server;
}

/** Somebody at work: holds `login`, which touches src. */
async function atWork(server: ServerProcess) {
  const workplace = await openWorkplace({ join: (name) => joinAs(server.url, name) });
  await workplace.ready("login", ["src"]);
  await workplace.ready("other", ["src/a.ts"]);
  const sessionId = await workplace.session();
  const fencingToken = await workplace.hold("login", sessionId);
  return { ...workplace, sessionId, fencingToken };
}

test.each(["SIGTERM", "SIGKILL"] as const)(
  "an embedded server that ended by %s knows afterwards who holds what",
  async (signal) => {
    const folder = await dataDir();
    const first = await start(folder);
    const { ana, projectId, sessionId, fencingToken } = await atWork(first);
    await first.end(signal);

    const second = await start(folder);
    const again = clientsFor(second.url, ana.key);
    const rival = await again.sessions.openSession({ projectId, clientSessionId: "rival" });
    const refusal = await refusalOf(
      again.features.pickFeature({ projectId, slug: "other", sessionId: rival.session?.id ?? "" }),
    );

    expect(refusal.reason).toBe("CLAIM_CONFLICT");
    const done = await again.features.completeFeature({ projectId, slug: "login", sessionId, fencingToken });
    expect(done.feature?.status).toBe(FeatureStatus.DONE);
    const { claim } = await again.features.pickFeature({
      projectId,
      slug: "other",
      sessionId: rival.session?.id ?? "",
    });
    expect(claim?.fencingToken).toBeGreaterThan(fencingToken);
  },
);

test("a server over a Redis Cluster picks, refuses and completes", async () => {
  const cluster = await startRedisCluster(await dataDir(), 3);
  onTestFinished(() => cluster.stop());
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  const server = await startServerProcess({
    DATABASE_URL: databaseUrl,
    REDIS_URL: cluster.url,
    API_KEY_SALT: "a salt that only tests use",
  });
  onTestFinished(async () => {
    await server.end();
  });

  const { pick, done, session, sessionId, fencingToken } = await atWork(server);
  const rival = await session();
  expect((await refusalOf(pick("other", rival))).reason).toBe("CLAIM_CONFLICT");
  await done("login", sessionId, fencingToken);
  expect((await pick("other", rival)).feature?.status).toBe(FeatureStatus.ACTIVE);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s stops a server cleanly, with code 0", async (signal) => {
  const server = await start(await dataDir());
  await atWork(server);
  expect(await server.end(signal)).toBe(0);
});

test("SIGHUP serves a certificate that was renewed, and a bad one only makes a line in the log", async () => {
  const folder = await dataDir();
  const files = { NEXUS_TLS_CERT: join(folder, "tls.crt"), NEXUS_TLS_KEY: join(folder, "tls.key") };
  const put = async (name: string) => {
    const fixtures = fileURLToPath(new URL("testing/fixtures/tls", import.meta.url));
    await copyFile(join(fixtures, `${name}.crt`), files.NEXUS_TLS_CERT);
    await copyFile(join(fixtures, `${name}.key`), files.NEXUS_TLS_KEY);
  };
  await put("old");
  const server = await startServerProcess({ NEXUS_DATA_DIR: folder, ...files });
  onTestFinished(async () => {
    await server.end();
  });
  const nameShown = async () => {
    const socket = connect({ port: Number(new URL(server.url).port), host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  };

  await put("new");
  server.child.kill("SIGHUP");
  await expect.poll(nameShown).toBe("new.nexus.test");
  await writeFile(files.NEXUS_TLS_CERT, "cut off half-way");
  server.child.kill("SIGHUP");

  await expect.poll(() => server.output()).toMatch(/could not be reloaded; the one from before stays in use/);
  expect(await nameShown()).toBe("new.nexus.test");
});

test("a second server on one data folder is refused, and the first one goes on", async () => {
  const folder = await dataDir();
  const first = await start(folder);

  await expect(startServerProcess({ NEXUS_DATA_DIR: folder })).rejects.toThrow(/uses the data folder/);

  expect((await fetch(`${first.url}/ready`)).status).toBe(200);
});

test("a port that is taken, and a variable that can't be meant, end the start with a sentence", async () => {
  const first = await start(await dataDir());
  const { port } = new URL(first.url);

  await expect(startServerProcess({ NEXUS_DATA_DIR: await dataDir(), PORT: port })).rejects.toThrow(/EADDRINUSE/);
  await expect(startServerProcess({ NEXUS_DATA_DIR: await dataDir(), PORT: "none" })).rejects.toThrow(/PORT: "none"/);
});
