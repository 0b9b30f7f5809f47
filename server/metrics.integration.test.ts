import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ProjectId } from "./domain/ids.ts";
import { REASONS } from "./rpc/errors.ts";
import { connectPostgres } from "./storage/postgres/connect.ts";
import { groupingLabelsIn, type Sample, scrape, selectorsIn } from "./testing/exposition.ts";
import { type ClaimStoreKind, startNexus, type TestNexus } from "./testing/start-nexus.ts";
import { watch } from "./testing/watch.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

const run = promisify(execFile);
const OPERATIONS = fileURLToPath(new URL("../docs/operations", import.meta.url));
const RULE_TESTS = fileURLToPath(new URL("./testing/fixtures/alerts.promtool.yml", import.meta.url));
/** Prometheus' own, and the bounds of histograms. */
const OTHER_LABELS = ["job", "instance", "le"];

/** Every expression of the dashboard and of the alerts, with where it stands. */
async function expressions(): Promise<{ readonly where: string; readonly expression: string }[]> {
  const dashboard = JSON.parse(await readFile(`${OPERATIONS}/dashboard.json`, "utf8")) as {
    panels: { title: string; targets?: { expr: string }[] }[];
  };
  const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `panel ${title}`, expression: expr })),
  );
  const rules = await readFile(`${OPERATIONS}/alerts.yml`, "utf8");
  const alerts = rules.split(/^ +- alert: /m).slice(1);
  return [
    ...panels,
    ...alerts.map((rule) => ({
      where: `alert ${rule.split("\n", 1)}`,
      expression: /^ +expr: (.*?)^ +(?:for|labels):/ms.exec(rule)?.[1] ?? "",
    })),
  ];
}

/** Everything that can happen to a server, once; answers what its metrics are then. */
async function traffic(nexus: TestNexus): Promise<Sample[]> {
  const { server } = nexus;
  const work = await openWorkplace(nexus);
  const { ana } = work;
  const projectId = work.projectId as ProjectId;
  const [first, second] = [await work.session(), await work.session()];
  for (const [slug, path] of [
    ["login", "src"],
    ["rival", "src/a.ts"],
    ["lost", "lib"],
  ] as const) {
    await work.ready(slug, [path]);
  }
  const watcher = await watch(ana.events, { projectId });
  await work.pick("login", first);
  expect((await refusalOf(work.pick("rival", second))).reason).toBe("CLAIM_CONFLICT");
  await server.sampleMetrics();
  await watcher.count(1);

  // A claim that the claim store has lost: an alarm, a deviation and a rebuild.
  await work.pick("lost", second);
  const project = await server.deps.database.read.projects.getById(projectId);
  const [claim] = await server.deps.database.read.claims.listHeld(projectId);
  await nexus.claimStore.release({ projectId, epoch: project?.epoch ?? 0 }, claim === undefined ? [] : [claim.id]);
  await server.audit();

  await nexus.advance(3_600_000);
  await server.reconcile();
  expect((await work.feature("login")).interruption).toBeDefined();

  return inTrouble(nexus, projectId, async () => {
    const lapsing = await work.session();
    await nexus.advance(3_600_000);
    return lapsing;
  });
}

/** What metrics say while the log can be neither read nor written, and connections break. */
async function inTrouble(nexus: TestNexus, projectId: ProjectId, before: () => Promise<unknown>): Promise<Sample[]> {
  await before();
  const { client, close } = connectPostgres(nexus.databaseUrl, 2);
  onTestFinished(close);
  const blocked = () => client<{ pid: number }[]>`
    select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  const locked = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const lock = client.begin(async (tx) => {
    await tx`lock table events in access exclusive mode`;
    locked.resolve();
    await mayEnd.promise;
  });
  await locked.promise;
  nexus.wakeUps.publish(projectId, 1_000n);
  const reconciling = nexus.server.reconcile();
  // The watcher's read, and the end of a session that has lapsed.
  await expect.poll(async () => (await blocked()).length).toBe(2);
  const backlog = (await scrape(nexus.server.metricsUrl)).filter(({ name }) => name === "nexus_event_backlog");
  for (const { pid } of await blocked()) await client`select pg_terminate_backend(${pid})`;
  mayEnd.resolve();
  await Promise.all([lock, reconciling]);
  await expect.poll(async () => (await blocked()).length).toBe(0);
  const after = await scrape(nexus.server.metricsUrl);
  return [...after.filter(({ name }) => name !== "nexus_event_backlog"), ...backlog];
}

/** A histogram is fed when it has counted something. */
function isFed(samples: readonly Sample[], name: string): boolean {
  const counted = name.replace(/_bucket$/, "_count");
  return samples.some((sample) => sample.name === counted && sample.value > 0);
}

/** The value of the one series with these labels. */
function sampled(samples: readonly Sample[], name: string, labels: Sample["labels"] = {}): number | undefined {
  return samples.find((sample) => sample.name === name && isDeepStrictEqual(sample.labels, labels))?.value;
}

describe.each(["embedded", "redis"] as const)("with %s claims", (kind: ClaimStoreKind) => {
  test("every metric of the dashboard and the alerts exists, has these labels, and is fed, and so is every other", async () => {
    const samples = await traffic(await startNexus(kind));
    const claimOperations = samples
      .filter(({ labels }) => labels["store"] === kind)
      .map(({ labels }) => labels["operation"]);
    expect(claimOperations).toEqual(expect.arrayContaining(["acquire", "confirm", "heartbeat", "dueWork"]));
    expect({
      picks: sampled(samples, "nexus_events_total", { kind: "claim", change: "acquired" }),
      // One more has lapsed, and its end could not be committed.
      expiries: sampled(samples, "nexus_events_total", { kind: "session", change: "expired" }),
      interruptions: sampled(samples, "nexus_interruptions_total", { cause: "session-expired" }),
      conflicts: sampled(samples, "nexus_refusals_total", { reason: "CLAIM_CONFLICT" }),
      sessions: sampled(samples, "nexus_open_sessions"),
      paths: sampled(samples, "nexus_held_paths"),
      lost: sampled(samples, "nexus_deviation_age_seconds_count", { kind: "record-without-claim" }),
      // The watcher's read, and that end of a session.
      failures: sampled(samples, "nexus_store_failures_total", { store: "postgres" }),
      watchers: sampled(samples, "nexus_watchers"),
      // Once more an hour later.
      asked: sampled(samples, "nexus_key_checks_total", { result: "asked" }),
    }).toEqual({
      ...{ picks: 2, expiries: 2, interruptions: 2, conflicts: 1, sessions: 2, paths: 1, lost: 1, failures: 2 },
      ...{ watchers: 1, asked: 2 },
    });
    expect(sampled(samples, "nexus_key_checks_total", { result: "remembered" })).toBeGreaterThan(10);
    const labels = new Set([...OTHER_LABELS, ...samples.flatMap((sample) => Object.keys(sample.labels))]);

    const wrong = (await expressions()).flatMap(({ where, expression }) => [
      ...selectorsIn(expression).flatMap(({ name, matches }) => {
        const found = samples.filter((sample) => sample.name === name);
        if (found.length === 0) return [`${where}: there is no ${name}`];
        if (!found.some((sample) => matches(sample.labels))) return [`${where}: ${name} has no such series`];
        return isFed(samples, name) ? [] : [`${where}: ${name} is never fed`];
      }),
      ...groupingLabelsIn(expression).flatMap((label) => (labels.has(label) ? [] : [`${where}: no label ${label}`])),
    ]);

    expect(wrong).toEqual([]);
    const names = new Set(samples.map(({ name }) => name.replace(/_(bucket|sum)$/, "_count")));
    expect([...names].filter((name) => name.startsWith("nexus_") && !isFed(samples, name))).toEqual([]);
  });
});

test("what had happened before a watcher came does not count as delivered late", async () => {
  const nexus = await startNexus("embedded");
  const work = await openWorkplace(nexus);
  const { ana, projectId } = work;
  await work.ready("login", ["src"]);
  await nexus.advance(3_600_000);
  const delivered = async () => sampled(await scrape(nexus.server.metricsUrl), "nexus_event_delivery_seconds_count");

  const watcher = await watch(ana.events, { projectId, after: 0n });
  await watcher.count(2);
  expect(await delivered()).toBe(0);
  const before = watcher.events.length;
  await work.session();

  await watcher.count(before + 1);
  expect(await delivered()).toBe(1);
});

test("what callers make up adds no series", async () => {
  const nexus = await startNexus("embedded");
  const { key } = await nexus.join("ana");
  const ask = async (path: string, init: RequestInit & { headers?: Record<string, string> }) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${key}`, ...init.headers };
    await (await fetch(`${nexus.url}${path}`, { method: "POST", body: "{}", ...init, headers })).text();
  };
  const method = "/nexus.v1.FeatureService/GetFeature";
  const odd = (n: number): [string, RequestInit & { headers?: Record<string, string> }][] => [
    [`/nexus.v1.FeatureService/Made${n}Up`, {}],
    [`/made.up.v${n}.Service/GetFeature`, {}],
    [`/metrics/${n}`, { method: "PUT" }],
    [`${method}/${n}`, {}],
    [`${method}?${n}`, { method: "DELETE" }],
    [method, { headers: { "content-type": `application/made-up-${n}` } }],
    [method, { headers: { "content-type": "application/grpc", "grpc-timeout": `${n}Z`, "grpc-status": `${900 + n}` } }],
    [method, { headers: { "content-type": "application/grpc-web+proto", "grpc-encoding": `zip${n}` } }],
    [method, { headers: { "content-encoding": `zip${n}` } }],
    [method, { headers: { "connect-timeout-ms": `${n}x` } }],
    [method, { headers: { authorization: `Bearer nxs_made_up_${n}` } }],
    [method, { headers: { traceparent: `${n}`, "x-request-id": `made-up-${n}`, "x-forwarded-for": `${n}` } }],
    [method, { body: JSON.stringify({ [`made${n}up`]: 1 }) }],
    [method, { body: JSON.stringify({ projectId: `made-up-${n}`, slug: `made-up-${n}` }) }],
  ];
  const seriesOf = (samples: readonly Sample[]) =>
    samples.filter(({ name }) => name.startsWith("nexus_")).map(({ name, labels }) => name + JSON.stringify(labels));
  for (const [path, init] of odd(0)) await ask(path, init);
  const before = await scrape(nexus.server.metricsUrl);

  for (let n = 1; n <= 20; n++) await Promise.all(odd(n).map(([path, init]) => ask(path, init)));

  const after = await scrape(nexus.server.metricsUrl);
  expect(seriesOf(after).sort()).toEqual(seriesOf(before).sort());
  const values = (label: string) => new Set(after.flatMap(({ labels }) => labels[label] ?? []));
  expect([...values("method")].sort()).toEqual(["AuthService/Register", "FeatureService/GetFeature"]);
  expect([...values("code")].sort()).toEqual(["invalid_argument", "ok", "unauthenticated", "unimplemented", "unknown"]);
  expect([...values("reason")].filter((reason) => !REASONS.includes(reason))).toEqual([]);
});

test("with an address of their own, metrics are there and not on the port", async () => {
  const nexus = await startNexus("embedded", {}, { metricsAddress: { host: "127.0.0.1", port: 0 } });
  const { origin } = new URL(nexus.server.metricsUrl);

  expect(origin).not.toBe(nexus.url);
  expect(await scrape(`${origin}/metrics`)).not.toEqual([]);
  expect((await fetch(`${nexus.url}/metrics`)).status).toBe(404);
  expect((await fetch(`${nexus.url}/health`)).status).toBe(200);
  expect((await fetch(`${origin}/health`)).status).toBe(404);
  const taken = { host: "127.0.0.1", port: Number(new URL(origin).port) };
  await expect(startNexus("embedded", {}, { metricsAddress: taken })).rejects.toThrow(
    /^NEXUS_METRICS_ADDR: .*EADDRINUSE/,
  );
  await nexus.server.stop();
  await expect(fetch(nexus.server.metricsUrl)).rejects.toThrow();
});

test("promtool finds nothing wrong with the metrics, and that each alert comes when it has to", async ({ skip }) => {
  const found = await run("promtool", ["--version"]).then(
    () => true,
    () => false,
  );
  skip(!found, "promtool is not installed (Debian: the package prometheus)");
  const nexus = await startNexus("embedded");
  const metrics = await (await fetch(nexus.server.metricsUrl)).text();

  await run("promtool", ["check", "rules", `${OPERATIONS}/alerts.yml`]);
  await run("promtool", ["test", "rules", RULE_TESTS]);
  const check = run("promtool", ["check", "metrics"]);
  check.child.stdin?.end(metrics.replace(/^.*\b(?:process|nodejs)_.*\n/gm, ""));
  await check;
});

test("every alert has a runbook of its name, where its link leads", async () => {
  const rules = await readFile(`${OPERATIONS}/alerts.yml`, "utf8");
  const failures = await readFile(`${OPERATIONS}/failures.md`, "utf8");
  const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  const links = [...rules.matchAll(/runbook_url: (\S+)/g)].map(([, link]) => link);
  expect(links).toEqual(names.map((name) => `docs/operations/failures.md#${name.toLowerCase()}`));
  const headings = [...failures.matchAll(/^## (\S+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(expect.arrayContaining(names));
  expect(headings.filter((heading) => heading?.startsWith("Nexus"))).toHaveLength(names.length);
});
