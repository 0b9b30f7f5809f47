import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import { describe, expect, test } from "vitest";
import { formatApiKey, parseApiKey, randomSecret } from "./domain/auth/api-key-format.ts";
import type { ProjectId } from "./domain/ids.ts";
import { connectPostgres } from "./storage/postgres/connect.ts";
import { scrape } from "./testing/exposition.ts";
import { type ClaimStoreKind, type NexusOptions, startNexus, withKey } from "./testing/start-nexus.ts";
import { openWorkplace } from "./testing/workplace.ts";

type Line = Readonly<Record<string, unknown>>;

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";
/** What a figure in the log may have lost. */
const ROUNDING_MS = 0.05;

/** A server that logs into memory. */
async function startLogged(kind: ClaimStoreKind, options: NexusOptions = {}) {
  const written: string[] = [];
  const nexus = await startNexus(kind, {}, { ...options, log: { write: (line) => written.push(line) } });
  /** A call as any program would make it; answers the header that names it. */
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const init = { method: "POST", body, headers: { "content-type": "application/json", ...headers } };
    const response = await fetch(`${nexus.url}/${path}`, init);
    await response.text();
    return response.headers.get("x-request-id");
  };
  const lines = () => written.map((line) => JSON.parse(line) as Line);
  return { nexus, written, post, lines, callLines: () => lines().filter(({ method }) => method !== undefined) };
}

describe("every call has one line, and the answer names it", () => {
  test("of who did what, where, with which outcome", async () => {
    const { nexus, callLines } = await startLogged("embedded");
    const work = await openWorkplace(nexus);
    await work.ready("login", ["src"]);
    const sessionId = await work.session();
    const { projectId } = work;
    const requestId = randomUUID();

    await work.pick("login", sessionId, requestId);
    await work.pick("gone", sessionId).catch(() => {});

    const told = { engineer: work.ana.id, peer: "127.0.0.1", projectId, sessionId, ms: expect.any(Number) };
    const method = "FeatureService/PickFeature";
    expect(callLines().slice(-2)).toEqual([
      expect.objectContaining({ ...told, level: "info", method, code: "ok", slug: "login", requestId }),
      expect.objectContaining({ ...told, level: "info", method, code: "not_found", reason: "RESOURCE_NOT_FOUND" }),
    ]);
  });

  test("also of those that are refused before they are read", async () => {
    const { nexus, post, callLines } = await startLogged("embedded");
    const { id, key } = await nexus.join("ana");
    const method = "nexus.v1.FeatureService/GetFeature";
    const authorization = `Bearer ${key}`;
    const begun = callLines().length;

    const calls = [
      await post(method, "{}"),
      await post(method, "{}", { authorization: "Bearer nxs_wrong" }),
      await post(method, "{broken", { authorization }),
      await post(method, "{}", { authorization, "content-type": "text/plain" }),
      await post("nexus.v1.FeatureService/Nothing", "{}", { authorization }),
    ];

    const [line] = ["FeatureService/GetFeature"].map((name) => ({ method: name, peer: "127.0.0.1" }));
    expect(callLines().slice(begun)).toEqual([
      expect.objectContaining({ ...line, call: calls[0], code: "unauthenticated", reason: "CREDENTIALS_INVALID" }),
      expect.objectContaining({ ...line, call: calls[1], code: "unauthenticated", reason: "CREDENTIALS_INVALID" }),
      expect.objectContaining({ ...line, call: calls[2], code: "invalid_argument", engineer: id }),
      expect.objectContaining({ ...line, call: calls[3], code: "unknown" }),
    ]);
    expect(calls[4]).toBeNull();
  });

  test.each([
    ["gRPC", createGrpcTransport],
    ["gRPC-Web", createGrpcWebTransport],
  ])("over %s", async (_name, transportOf) => {
    const { nexus, callLines } = await startLogged("embedded");
    const { key } = await nexus.join("ana");
    const begun = callLines().length;
    for (const given of [key, "nxs_wrong"]) {
      const transport = transportOf({ baseUrl: nexus.url, httpVersion: "2", interceptors: [withKey(given)] });
      await createClient(AuthService, transport)
        .getCurrentEngineer({})
        .catch(() => {});
    }
    await expect
      .poll(() =>
        callLines()
          .slice(begun)
          .map(({ code }) => code),
      )
      .toEqual(["ok", "unauthenticated"]);
  });
});

test("a trace goes through the call into what it starts; one that is no trace is left out", async () => {
  const { nexus, post, lines, callLines } = await startLogged("embedded");
  const work = await openWorkplace(nexus);
  await work.ready("login", ["src"]);
  const { projectId, ana } = work;
  const sessionId = await work.session();
  await nexus.claimStore.deleteProject(projectId as ProjectId);
  const headers = { authorization: `Bearer ${ana.key}` };
  const body = JSON.stringify({ projectId, slug: "login", sessionId });

  const call = await post("nexus.v1.FeatureService/PickFeature", body, {
    ...headers,
    traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`,
  });
  await post("nexus.v1.FeatureService/GetFeature", body.replace(sessionId, ""), {
    ...headers,
    traceparent: "00-0-0-00",
  });

  const picked = callLines().at(-2);
  expect(picked).toMatchObject({ call, code: "ok", trace_id: TRACE_ID, parent_span_id: SPAN_ID });
  const rebuilt = lines().findLast(({ msg }) => msg === "claims were rebuilt from PostgreSQL");
  expect(rebuilt).toMatchObject({ call, trace_id: TRACE_ID, span_id: picked?.["span_id"] });
  expect(callLines().at(-1)).toMatchObject({ trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect(callLines().at(-1)).not.toMatchObject({ trace_id: TRACE_ID });
  expect(callLines().at(-1)).not.toHaveProperty("parent_span_id");
});

test("a slow call says what it waited for", async () => {
  const { nexus, callLines } = await startLogged("redis", { slowMs: 0 });
  const work = await openWorkplace(nexus);
  await work.ready("login", ["src"]);
  await work.pick("login", await work.session());
  // Two keys are hashed at a time.
  await Promise.all(["b", "c", "d", "e"].map((name) => nexus.join(name)));

  const waits = { redis_ms: expect.any(Number), postgres_ms: expect.any(Number), queue_ms: expect.any(Number) };
  expect(callLines().filter(({ level }) => level !== "warn")).toEqual([]);
  for (const line of callLines()) expect(line).toMatchObject({ msg: "slow call", ...waits });
  const picked = callLines().find(({ method }) => method === "FeatureService/PickFeature");
  expect(Number(picked?.["redis_ms"])).toBeGreaterThan(0);
  expect(Number(picked?.["postgres_ms"])).toBeGreaterThan(0);
  const hashWaits = (await scrape(nexus.server.metricsUrl)).find(({ name }) => name === "nexus_hash_wait_seconds_sum");
  const queuedMs = callLines().reduce((sum, line) => sum + Number(line["queue_ms"]) + ROUNDING_MS, 0);
  expect(queuedMs).toBeGreaterThanOrEqual((hashWaits?.value ?? Number.NaN) * 1_000);
});

test("no secret gets into the log, whatever callers do with theirs", async () => {
  const { nexus, written, post, callLines } = await startLogged("redis", { trustProxy: true, slowMs: 0 });
  const work = await openWorkplace(nexus);
  const { ana, projectId } = work;
  const registration = { name: "Ben", email: `ben-${randomUUID()}@example.com`, requestId: randomUUID() };
  const { apiKey } = await nexus.as("").auth.register(registration);
  const made = await ana.auth.createApiKey({ name: "ci", requestId: randomUUID() });
  await ana.auth.revokeApiKey({ keyId: made.key?.id ?? "" });
  // Of a right form, and wrong: a guess.
  const guess = formatApiKey({ id: parseApiKey(ana.key)?.id ?? "", secret: randomSecret() });
  const keys = [ana.key, apiKey, made.apiKey, guess];
  // Half a key is no less of a secret.
  const secrets = keys.flatMap((key) => [key, parseApiKey(key)?.secret ?? key]);
  const read = "nexus.v1.FeatureService/GetFeature";

  for (const key of secrets) {
    const authorization = `Bearer ${ana.key}`;
    // Where a key belongs, and where people and scripts put it by mistake.
    await post(read, "{}", { authorization: `Bearer ${key}` });
    await post(read, "{}", {
      authorization: `Basic ${key}`,
      "x-api-key": key,
      cookie: `key=${key}`,
      "user-agent": key,
    });
    await post(`${read}?key=${key}`, "{}", { authorization });
    await post(`nexus.v1.FeatureService/${key}`, "{}", { authorization });
    await post(read, JSON.stringify({ projectId: key, slug: key, [key]: key }), { authorization });
    await post(read, JSON.stringify({ projectId: key, slug: key }), { authorization });
    await post(read, `{"${key}`, { authorization });
    const marks = { traceparent: key, tracestate: key, "x-request-id": key, "x-forwarded-for": key };
    await post(read, JSON.stringify({ projectId, slug: "login" }), { authorization, ...marks });
    await ana.sessions.openSession({ projectId, clientSessionId: key, agent: key, requestId: key }).catch(() => {});
    await ana.sessions.openSession({ projectId, clientSessionId: key, agent: key, host: key });
    await ana.features.createFeature({ projectId, title: key, spec: key, touches: [{ path: key }] }).catch(() => {});
    await nexus
      .as(key)
      .features.pickFeature({ projectId, slug: key, sessionId: key })
      .catch(() => {});
  }
  // A forced release logs its reason.
  await work.ready("login", ["src"]);
  await work.hold("login", await work.session());
  await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: `he has ${apiKey}` });
  // A query that fails tells its parameters, to all but the log.
  const { client, close } = connectPostgres(nexus.databaseUrl, 1);
  await client`alter table learnings add constraint refused check (text not like '%s3cret%')`;
  await close();
  await ana.knowledge.addLearning({ projectId, text: `one s3cret\n    at s3cret ${apiKey}` }).catch(() => {});

  const log = written.join("");
  expect(callLines().length).toBeGreaterThan(10 * secrets.length);
  expect(callLines().at(-1)).toMatchObject({ code: "internal", err: { message: expect.stringContaining("refused") } });
  expect(log).toContain("he has nxs_…");
  for (const secret of [...secrets, "s3cret", registration.requestId, "a salt that only tests use"]) {
    expect(log.includes(secret), `${secret} is in the log`).toBe(false);
  }
});
