import { connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import { FeatureService } from "@nexus/gen/nexus/v1/feature_service_pb";
import { expect, onTestFinished, test } from "vitest";
import { connectPostgres } from "./storage/postgres/connect.ts";
import { PostgresDatabase } from "./storage/postgres/database.ts";
import { startNexus } from "./testing/start-nexus.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

const TTL_MS = 5 * 60_000;

function grpcFeatures(url: string, key: string) {
  return createClient(
    FeatureService,
    createGrpcTransport({
      baseUrl: url,
      interceptors: [
        (next) => (call) => {
          call.header.set("authorization", `Bearer ${key}`);
          return next(call);
        },
      ],
    }),
  );
}

/** Paths such as a refactoring in a monorepo touches, of about `length` characters. */
const paths = (n: number, length = 80) =>
  Array.from(
    { length: n },
    (_, i) =>
      `packages/frontend/src/components/${"nested-folder/".repeat(Math.ceil((length - 65) / 14))}widget-number-${i}/index.tsx`,
  );

test("a refusal arrives over gRPC however many touches are blocked", async () => {
  const nexus = await startNexus("embedded");
  const { ready, session, hold, ana, projectId } = await openWorkplace(nexus);
  await ready("one", paths(100, 250));
  await ready("two", paths(100, 250));
  await hold("one", await session());
  const sessionId = await session();

  const refusal = await refusalOf(grpcFeatures(nexus.url, ana.key).pickFeature({ projectId, slug: "two", sessionId }));

  expect(refusal).toMatchObject({ code: "FailedPrecondition", reason: "CLAIM_CONFLICT" });
});

test("the metadata of a refusal stays below what gRPC clients take (8 KiB by default)", async () => {
  const nexus = await startNexus("embedded");
  const { ready, session, hold, ana, projectId } = await openWorkplace(nexus);
  await ready("one", paths(30));
  await ready("two", paths(30));
  await hold("one", await session());
  const sessionId = await session();
  const error = await grpcFeatures(nexus.url, ana.key)
    .pickFeature({ projectId, slug: "two", sessionId })
    .then(
      () => undefined,
      (e: unknown) => ConnectError.from(e),
    );
  const size = [...(error?.metadata ?? [])].reduce((sum, [k, v]) => sum + k.length + v.length + 32, 0);
  expect(size).toBeLessThan(8_192);
});

test("a late holder hears over gRPC what it lost, however much it was", async () => {
  const nexus = await startNexus("embedded");
  const { ready, session, hold, ana, projectId } = await openWorkplace(nexus);
  await ready("one", paths(512, 250));
  const sessionId = await session();
  const fencingToken = await hold("one", sessionId);
  await nexus.advance(TTL_MS + 1);
  await nexus.server.reconcile();

  const late = grpcFeatures(nexus.url, ana.key).completeFeature({ projectId, slug: "one", sessionId, fencingToken });

  expect((await refusalOf(late)).reason).toBe("SESSION_EXPIRED");
});

test("a client may ask for a deadline of a minute", async () => {
  const nexus = await startNexus("embedded");
  const { ana } = await openWorkplace(nexus);
  const auth = createClient(
    AuthService,
    createConnectTransport({ baseUrl: nexus.url, httpVersion: "1.1", defaultTimeoutMs: 60_000 }),
  );
  await auth.getCurrentEngineer({}, { headers: { authorization: `Bearer ${ana.key}` } });
});

test.each<[string, string, string, Record<string, string>?]>([
  ["a JSON body above the limit", "application/json", JSON.stringify({ name: "x".repeat(9 * 1024 * 1024) })],
  ["a deadline that is none", "application/json", "{}", { "connect-timeout-ms": "soon" }],
  ["a body in an unknown encoding", "application/json", "{}", { "content-encoding": "zstd" }],
  ["a malformed binary body", "application/proto", "\u0001\u0002\u0003"],
])("%s is refused with a reason", async (_, type, body, headers = {}) => {
  const nexus = await startNexus("embedded");
  const response = await fetch(`${nexus.url}/nexus.v1.AuthService/Register`, {
    method: "POST",
    headers: { "content-type": type, ...headers },
    body,
  });
  const text = await response.text();
  expect({ status: response.status, text: text.slice(0, 300) }).toMatchObject({
    text: expect.stringContaining("google.rpc.ErrorInfo"),
  });
});

test("a malformed message over gRPC is refused with a reason", async () => {
  const nexus = await startNexus("embedded");
  const session = connectHttp2(nexus.url);
  onTestFinished(() => session.close());
  const stream = session.request({
    ":method": "POST",
    ":path": "/nexus.v1.AuthService/Register",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const seen: Record<string, unknown> = {};
  stream.on("response", (headers) => Object.assign(seen, headers));
  stream.on("trailers", (headers) => Object.assign(seen, headers));
  stream.resume();
  stream.end(Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]));
  await new Promise((resolve) => stream.on("close", resolve));
  expect(seen).toHaveProperty("grpc-status-details-bin");
});

test("a rebuild that takes longer than a connection may be silent keeps its lock", async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const database = new PostgresDatabase(connectPostgres(url, 2, 400));
  onTestFinished(() => database.close());
  const long = database.exclusively("p", () => new Promise((resolve) => setTimeout(resolve, 1_500)));
  expect(await long.catch((error: Error) => error.name)).toBe(true);
});

test("a database that has gone silent is reported within a bounded time", async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const target = new URL(url);
  const sockets: Socket[] = [];
  const proxy = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    near.pipe(far).pipe(near);
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String((proxy.address() as AddressInfo).port);
  const database = new PostgresDatabase(connectPostgres(through.href, 2, 400));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
    await database.close();
  });
  await database.ping();
  // A half-open connection: nothing is refused, nothing arrives.
  for (const socket of sockets) socket.unpipe().pause();

  const bound = new Promise<string>((resolve) => setTimeout(() => resolve("still waiting"), 30_000).unref());
  const answer = database.ping().then(
    () => "ok",
    (error: Error) => error.name,
  );

  expect(await Promise.race([answer, bound])).toBe("StoreUnavailableError");
});

async function fill(
  { ana, projectId }: Awaited<ReturnType<typeof openWorkplace>>,
  touchOf: (feature: number, touch: number) => string,
  touches: number,
) {
  for (let f = 0; f < 25; f++) {
    const list = Array.from({ length: touches }, (_, i) => ({ path: touchOf(f, i) }));
    await ana.features.createFeature({ projectId, slug: `f${f}`, title: "wide", spec: "x", touches: list });
    await ana.features.markFeatureReady({ projectId, slug: `f${f}` });
  }
}

const BRACES = "{a,b,c,d,e,f,g,h}";

test("touches that no claim can hold are refused when they are written, not when they are picked", async () => {
  const { ana, projectId } = await openWorkplace(await startNexus("embedded"));
  const touches = Array.from({ length: 512 }, (_, i) => ({ path: `src/m${i}/${BRACES}/${BRACES}/x.ts` }));
  const created = ana.features.createFeature({ projectId, slug: "f", title: "wide", spec: "x", touches });
  expect((await refusalOf(created)).reason).toBe("LIMIT_EXCEEDED");
});

test.each([
  ["40 files each", (f: number, i: number) => `src/f${f}/m${i}/x.ts`, 40],
  ["80 files each", (f: number, i: number) => `packages/app/src/f${f}/components/m${i}/x.ts`, 80],
  ["50 globs each", (f: number, i: number) => `src/f${f}/**/m${i}-*.ts`, 50],
] as const)("25 free features of %s are available", async (_, touchOf, touches) => {
  const place = await openWorkplace(await startNexus("redis"));
  for (let h = 0; h < 30; h++) {
    await place.ready(`held${h}`, [`lib${h}/**/h*.ts`, `docs/**/g${h}.md`]);
    await place.hold(`held${h}`, await place.session());
  }
  await fill(place, touchOf, touches);
  const { features } = await place.ana.features.listAvailableFeatures({ projectId: place.projectId });
  expect(features).toHaveLength(25);
});

test("a claim of the most touches that a feature may have can be picked beside many others", async () => {
  const place = await openWorkplace(await startNexus("redis"));
  for (let h = 0; h < 30; h++) {
    await place.ready(`held${h}`, [`lib${h}/**/h*.ts`, `docs/**/g${h}.md`]);
    await place.hold(`held${h}`, await place.session());
  }
  await place.ready("one", paths(512, 250));
  const { claim } = await place.pick("one", await place.session());
  expect(claim?.touches).toHaveLength(512);
});

test("a forged page token is no defect, whatever it carries", async () => {
  const nexus = await startNexus("embedded");
  const { ready, session, ana, projectId } = await openWorkplace(nexus);
  const ben = await nexus.join("ben");
  await ana.projects.addMember({ projectId, email: ben.email });
  await ana.projects.createProject({ slug: "other" });
  await ana.auth.createApiKey({ name: "ci" });
  await ana.knowledge.addLearning({ projectId, text: "the cache is per process" });
  await ana.knowledge.addLearning({ projectId, text: "the cache is cold at first" });
  for (const slug of ["a", "b"]) await ready(slug);
  for (let n = 0; n < 2; n++) await session();
  const lists = {
    members: (page: object) => ana.projects.listMembers({ projectId, ...page }),
    projects: (page: object) => ana.projects.listProjects(page),
    keys: (page: object) => ana.auth.listApiKeys(page),
    features: (page: object) => ana.features.listFeatures({ projectId, ...page }),
    sessions: (page: object) => ana.sessions.listActiveSessions({ projectId, ...page }),
    events: (page: object) => ana.events.listEvents({ projectId, ...page }),
    learnings: (page: object) => ana.knowledge.listLearnings({ projectId, ...page }),
    found: (page: object) => ana.knowledge.searchKnowledge({ projectId, query: "cache", ...page }),
  };
  const defects: string[] = [];
  for (const [name, list] of Object.entries(lists)) {
    const { nextPageToken } = await list({ pageSize: 1 });
    const pageToken = (text: string) => Buffer.from(text).toString("base64url");
    const text = Buffer.from(nextPageToken, "base64url").toString();
    await list({ pageSize: 1, pageToken: pageToken(text) });
    const forged = [
      ...["+275760-09-13T00:00:00.000Z", "-000001-01-01T00:00:00.000Z", "0000-01-01T00:00:00.000Z"].map((time) =>
        text.replace(/"\d{4}-[^"]*Z"/, JSON.stringify(time)),
      ),
      // In the last string, and in the one before it where that is not the hash.
      ...["\\u0000", "\\ud800"].flatMap((odd) => [
        text.replace(/"(?=[^",:}]*"[}\]])/, `"${odd}`),
        text.replace(/(?<=[:])"(?=[^",:}]*",)/, `"${odd}`),
      ]),
      ...["1e999", "1e300", "-1e999"].map((number) => text.replace(/(?<=[:,])-?\d[\d.e-]*(?=[,}\]])/, number)),
    ].filter((one) => one !== text);
    expect(forged.length, `${name} ${text}`).toBeGreaterThan(0);
    for (const one of forged) {
      const answer = await refusalOf(list({ pageSize: 1, pageToken: pageToken(one) })).catch(() => undefined);
      // A number that no row has is a place in the list like any other.
      if (answer !== undefined && answer.reason !== "REQUEST_INVALID") defects.push(`${one}: ${answer.reason}`);
    }
  }
  expect(defects).toEqual([]);
});
