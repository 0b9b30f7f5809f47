import { randomBytes } from "node:crypto";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { EventCursorExpiredSchema, StreamResumeSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import {
  ClaimEvent_Change as ClaimChange,
  EventKind,
  FeatureEvent_Change as FeatureChange,
} from "@nexus/gen/nexus/v1/event_pb";
import { EventService } from "@nexus/gen/nexus/v1/event_service_pb";
import { FeatureStatus, InterruptionCause, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { describe, expect, test } from "vitest";
import { byNexus } from "../domain/events/event.ts";
import type { EventHub } from "../domain/events/event-hub.ts";
import type { EngineerId, ProjectId } from "../domain/ids.ts";
import { startNexus, type TestEngineer, type TestNexus, withKey } from "../testing/start-nexus.ts";
import { lineOf, type Watch, watch } from "../testing/watch.ts";
import { openWorkplace, refusalOf, type Workplace } from "../testing/workplace.ts";

/** Ana's project on a server of its own. */
async function start(): Promise<{ nexus: TestNexus } & Workplace> {
  const nexus = await startNexus("embedded");
  return { nexus, ...(await openWorkplace(nexus)) };
}

/** Every event of a project. */
async function logOf({ ana, projectId }: Pick<Workplace, "ana" | "projectId">) {
  return (await ana.events.listEvents({ projectId, pageSize: 500 })).events;
}

/** Adds events without a story: decisions of a size. */
async function addDecisions(nexus: TestNexus, projectId: string, count: number, characters = 2): Promise<void> {
  const engineer = { engineerName: "Ana", agent: "" };
  // Nothing that compression makes small.
  const text = randomBytes(characters / 2).toString("hex");
  const said = { title: "", decision: text, rationale: "", alternatives: "", consequences: "" };
  await nexus.server.deps.database.transact(async (tx) => {
    for (let n = 1; n <= count; n++) {
      const decision = { ...engineer, ...said, id: String(n), supersedes: [], createTime: new Date(0) };
      const payload = { kind: "decision", decision } as const;
      tx.events.append({ ...byNexus(), projectId: projectId as ProjectId, time: new Date(0), payload });
    }
  });
}

function reasonOf(error: Awaited<Watch["ended"]>): string | undefined {
  return error?.findDetails(ErrorInfoSchema)[0]?.reason;
}

function resumeOf(error: Awaited<Watch["ended"]>) {
  return error?.findDetails(StreamResumeSchema)[0]?.after;
}

describe("every change is told once, in order, with who did it", () => {
  test("of features", async () => {
    const work = await start();
    const { ana, projectId } = work;
    await ana.features.createFeature({ projectId, slug: "login", title: "Login", lane: Lane.NOW });
    await ana.features.markFeatureReady({ projectId, slug: "login" });
    await ana.features.markFeatureReady({ projectId, slug: "login" });
    const feature = { spec: "with a password" };
    await ana.features.updateFeature({ projectId, slug: "login", feature, updateMask: { paths: ["spec"] } });
    await ana.features.deleteFeature({ projectId, slug: "login" });

    const [, ...events] = await logOf(work);

    expect(events.map(({ payload }) => payload.value)).toMatchObject([
      { change: FeatureChange.CREATED, from: 0, to: FeatureStatus.DRAFT, title: "Login", lane: Lane.NOW, position: 1 },
      { change: FeatureChange.STATUS, from: FeatureStatus.DRAFT, to: FeatureStatus.READY },
      { change: FeatureChange.UPDATED, from: FeatureStatus.READY, to: FeatureStatus.DRAFT, title: "Login" },
      { change: FeatureChange.DELETED, from: FeatureStatus.DRAFT, to: 0 },
    ]);
    expect(events.map((event) => [event.actor, event.featureSlug, event.projectId])).toEqual(
      Array.from({ length: 4 }, () => ["ana", "login", projectId]),
    );
  });

  test("of claims and sessions that end in order", async () => {
    const work = await start();
    const { ana, projectId } = work;
    const sessionId = await work.session();
    await work.ready("login", ["src/a.ts", "src/b.ts"]);
    const fencingToken = await work.hold("login", sessionId);
    const hold = { projectId, slug: "login", sessionId, fencingToken };
    await ana.claims.extendClaim({ ...hold, touches: [{ path: "src/c.ts" }] });
    await ana.claims.releasePaths({ ...hold, paths: ["src/a.ts"] });
    await work.done("login", sessionId, fencingToken);
    await ana.sessions.closeSession({ projectId, sessionId });

    const events = (await logOf(work)).slice(4);

    expect(events.map(({ payload }) => payload.value)).toMatchObject([
      { change: ClaimChange.ACQUIRED, fencingToken, touches: [{ path: "src/a.ts" }, { path: "src/b.ts" }], sessionId },
      { change: FeatureChange.STATUS, from: FeatureStatus.READY, to: FeatureStatus.ACTIVE },
      { change: ClaimChange.EXTENDED, fencingToken: fencingToken + 1n, touches: [{ path: "src/c.ts" }] },
      { change: ClaimChange.RELEASED, fencingToken, touches: [{ path: "src/a.ts" }] },
      { change: FeatureChange.STATUS, from: FeatureStatus.ACTIVE, to: FeatureStatus.DONE },
      { change: ClaimChange.RELEASED, fencingToken, touches: [{ path: "src/b.ts" }] },
      { change: ClaimChange.RELEASED, fencingToken: fencingToken + 1n, touches: [{ path: "src/c.ts" }] },
      { state: SessionState.CLOSED, agent: "claude" },
    ]);
    expect(new Set(events.map((event) => event.sessionId))).toEqual(new Set([sessionId]));
  });

  test("of work that ends by force, by expiry and by take-over", async () => {
    const work = await start();
    const { nexus, ana, projectId } = work;
    await work.ready("login", ["src/a.ts"]);
    const first = await work.session();
    await work.hold("login", first);
    await ana.claims.forceReleaseClaim({ projectId, slug: "login", reason: "on holiday" });
    await nexus.advance(16_000);
    await nexus.server.reconcile();
    const token = await work.hold("login", first);
    const second = await work.session();
    await ana.features.pickFeature({ projectId, slug: "login", sessionId: second, takeOver: token });
    await nexus.advance(301_000);
    await nexus.server.reconcile();

    const events = (await logOf(work)).slice(4);

    const happened = events.map(({ actor, payload }) => [actor, payload.case, payload.value]);
    expect(happened).toMatchObject([
      ["ana", "claim", { change: ClaimChange.ACQUIRED }],
      ["ana", "feature", { to: FeatureStatus.ACTIVE }],
      [
        "ana",
        "feature",
        { to: FeatureStatus.READY, interruption: { cause: InterruptionCause.FORCED_RELEASE, engineerName: "ana" } },
      ],
      ["ana", "claim", { change: ClaimChange.FORCED, reason: "on holiday", sessionId: first }],
      ["ana", "claim", { change: ClaimChange.ACQUIRED }],
      ["ana", "feature", { to: FeatureStatus.ACTIVE }],
      ["ana", "session", { state: SessionState.OPEN }],
      ["ana", "claim", { change: ClaimChange.RELEASED, fencingToken: token, sessionId: first }],
      ["ana", "claim", { change: ClaimChange.ACQUIRED, sessionId: second }],
      ["ana", "feature", { from: FeatureStatus.ACTIVE, to: FeatureStatus.ACTIVE }],
      ...Array.from({ length: 4 }, () => ["nexus", expect.anything(), expect.anything()]),
    ]);
    expect(
      happened
        .slice(-4)
        .map(([, kind]) => kind)
        .sort(),
    ).toEqual(["claim", "feature", "session", "session"]);
    expect(events.filter(({ payload }) => payload.case === "claim").at(-1)?.payload.value).toMatchObject({
      change: ClaimChange.EXPIRED,
    });
  });

  test("of members and of their keys, in every project of theirs", async () => {
    const work = await start();
    const { ana, projectId } = work;
    const { project } = await ana.projects.createProject({ slug: "other" });
    const ben = await work.nexus.join("ben");
    await ana.projects.addMember({ projectId, email: ben.email });
    await ana.projects.addMember({ projectId, email: ben.email });
    await ana.projects.updateMember({ projectId, email: ben.email, role: 2 });
    const { key } = await ben.auth.createApiKey({ name: "laptop" });
    await ben.auth.revokeApiKey({ keyId: key?.id ?? "" });
    await ben.auth.revokeApiKey({ keyId: key?.id ?? "" });
    await ana.projects.removeMember({ projectId, email: ben.email });
    await ana.auth.createApiKey({ name: "ci" });

    const lines = (await logOf(work)).map(lineOf);

    expect(lines).toEqual([
      "1 ana member 1",
      "2 ana member 1",
      "3 ana member 2",
      "4 ben key 1",
      "5 ben key 2",
      "6 ana member 3",
      "7 ana key 1",
    ]);
    expect((await logOf({ ana, projectId: project?.id ?? "" })).map(lineOf)).toEqual(["1 ana member 1", "2 ana key 1"]);
  });

  test("and a repetition under the same request id tells nothing", async () => {
    const work = await start();
    const requestId = "7b1c1b0e-7d5a-4d1c-9d0a-0c1e4f7a2b11";
    const draft = { projectId: work.projectId, slug: "login", title: "Login", requestId };
    await work.ana.features.createFeature(draft);
    await work.ana.features.createFeature(draft);

    expect((await logOf(work)).map(lineOf)).toEqual(["1 ana member 1", "2 ana login feature 1"]);
  });
});

describe("a list", () => {
  test("is filtered by kind, feature, engineer and time, and goes on after a page", async () => {
    const work = await start();
    const { nexus, ana, projectId } = work;
    const ben = await nexus.join("ben");
    await ana.projects.addMember({ projectId, email: ben.email });
    await ben.features.createFeature({ projectId, slug: "login", title: "Login" });
    await nexus.advance(60_000);
    await ana.features.createFeature({ projectId, slug: "logout", title: "Logout" });
    await ana.features.markFeatureReady({ projectId, slug: "login" });
    const list = async (filters: object) => (await ana.events.listEvents({ projectId, filters })).events.map(lineOf);

    expect(await list({ kinds: [EventKind.MEMBER] })).toEqual(["1 ana member 1", "2 ana member 1"]);
    expect(await list({ featureSlug: "login" })).toEqual(["3 ben login feature 1", "5 ana login feature 3"]);
    expect(await list({ engineer: ben.email })).toEqual(["3 ben login feature 1"]);
    const since = { seconds: BigInt(Date.parse("2026-01-01T00:01:00Z") / 1_000), nanos: 0 };
    expect(await list({ sinceTime: since })).toEqual(["4 ana logout feature 1", "5 ana login feature 3"]);

    const filters = { kinds: [EventKind.FEATURE] };
    const first = await ana.events.listEvents({ projectId, filters, pageSize: 2 });
    const pageToken = first.nextPageToken;
    const second = await ana.events.listEvents({ projectId, filters, pageSize: 2, pageToken });
    expect([...first.events, ...second.events].map(({ sequence }) => sequence)).toEqual([3n, 4n, 5n]);
    expect([second.nextPageToken, first.eventCursor]).toEqual(["", 5n]);

    const stranger = await refusalOf(list({ engineer: "nobody@example.com" }));
    expect(stranger.reason).toBe("RESOURCE_NOT_FOUND");
  });

  test("and a stream refuse a time that no calendar has", async () => {
    const { nexus, ana, projectId } = await start();
    const events = nexus.overHttp2(ana.key);
    const filters = { sinceTime: { seconds: 10n ** 15n, nanos: 0 } };

    for (const refusal of [
      await refusalOf(events.listEvents({ projectId, filters })),
      await refusalOf(watch(events, { projectId, filters })),
    ]) {
      expect(refusal.reason).toBe("REQUEST_INVALID");
    }
  });

  test("and a stream are not for strangers", async () => {
    const { nexus, projectId } = await start();
    const eve = await nexus.join("eve");

    expect((await refusalOf(eve.events.listEvents({ projectId }))).reason).toBe("RESOURCE_NOT_FOUND");
    expect((await refusalOf(watch(eve.events, { projectId }))).reason).toBe("RESOURCE_NOT_FOUND");
  });

  test("at a cursor together with what is streamed after it equals the state", async () => {
    const work = await start();
    const { ana, projectId } = work;
    await work.ready("a");
    await work.ready("b");
    const sessionId = await work.session();
    const { features, eventCursor } = await ana.features.listFeatures({ projectId });
    const status = await ana.projects.getProjectStatus({ projectId });
    const sessions = await ana.sessions.listActiveSessions({ projectId });
    const members = await ana.projects.listMembers({ projectId });
    const roadmap = await ana.roadmap.getRoadmap({ projectId });
    const learnings = await ana.knowledge.listLearnings({ projectId });
    const decisions = await ana.knowledge.listDecisions({ projectId });
    await work.ready("c");
    const token = await work.hold("a", sessionId);
    await ana.features.cancelFeature({ projectId, slug: "b" });
    await work.done("a", sessionId, token);

    const statuses = new Map(features.map(({ slug, status: each }) => [slug, each]));
    const stream = await watch(ana.events, { projectId, after: eventCursor });
    await stream.count(7);
    for (const { featureSlug, payload } of stream.events) {
      if (payload.case === "feature") statuses.set(featureSlug, payload.value.to);
    }

    const now = await ana.features.listFeatures({ projectId });
    expect(statuses).toEqual(new Map(now.features.map((feature) => [feature.slug, feature.status])));
    for (const list of [status, sessions, members, roadmap, learnings, decisions]) {
      expect(list.eventCursor).toBe(eventCursor);
    }
    stream.stop();
  });
});

describe("a stream", () => {
  test.each([
    ["gRPC over HTTP/2", createGrpcTransport, "2"],
    ["gRPC-Web over HTTP/2", createGrpcWebTransport, "2"],
    ["gRPC-Web over HTTP/1.1", createGrpcWebTransport, "1.1"],
    ["Connect over HTTP/2", createConnectTransport, "2"],
    ["Connect over HTTP/1.1", createConnectTransport, "1.1"],
  ] as const)(
    "over %s has what was before, what comes, and the code that ends it",
    async (_name, make, httpVersion) => {
      const { nexus, ana, projectId, ready } = await start();
      const transport = make({
        baseUrl: nexus.url,
        httpVersion: httpVersion as "2",
        interceptors: [withKey(ana.key)],
      });
      await ready("a");
      const stream = await watch(createClient(EventService, transport), { projectId, after: 1n });
      await stream.count(2);
      await ready("b");
      await stream.count(4);

      expect(stream.events.map(({ sequence }) => sequence)).toEqual([2n, 3n, 4n, 5n]);
      expect(stream.bookmarks).toEqual([1n]);
      await nexus.server.stop();
      const error = await stream.ended;
      expect(reasonOf(error)).toBe("SERVER_DRAINING");
      expect(resumeOf(error)).toEqual({ [projectId]: 5n });
    },
  );

  test("begins with now, or with a time, and says where", async () => {
    const { nexus, ana, projectId, ready } = await start();
    await nexus.advance(60_000);
    await ready("a");
    const now = await watch(ana.events, { projectId });
    const sinceTime = { seconds: BigInt(Date.parse("2026-01-01T00:01:00Z") / 1_000), nanos: 0 };
    const timed = await watch(ana.events, { projectId, filters: { sinceTime } });
    await ready("b");
    await Promise.all([now.count(2), timed.count(4)]);

    expect(now.bookmarks).toEqual([3n]);
    expect(now.events.map(({ sequence }) => sequence)).toEqual([4n, 5n]);
    expect(timed.bookmarks).toEqual([1n]);
    expect(timed.events.map(({ sequence }) => sequence)).toEqual([2n, 3n, 4n, 5n]);
    for (const stream of [now, timed]) stream.stop();
  });

  test("of several projects has each in its own order, filtered alike", async () => {
    const { nexus, ana, projectId, ready } = await start();
    const { project } = await ana.projects.createProject({ slug: "other" });
    const otherId = project?.id ?? "";
    const filters = { kinds: [EventKind.FEATURE] };
    const moreProjects = [{ projectId: otherId, after: 0n }];
    const stream = await watch(ana.events, { projectId, after: 0n, filters, moreProjects });
    await ready("a");
    await ana.features.createFeature({ projectId: otherId, slug: "b", title: "B" });
    await stream.count(3);

    const sequences = (id: string) => stream.events.filter((e) => e.projectId === id).map((e) => e.sequence);
    expect(sequences(projectId)).toEqual([2n, 3n]);
    expect(sequences(otherId)).toEqual([2n]);
    const twice = await refusalOf(watch(ana.events, { projectId, moreProjects: [{ projectId }] }));
    expect(twice.reason).toBe("REQUEST_INVALID");
    await nexus.server.stop();
    expect(resumeOf(await stream.ended)).toEqual({ [projectId]: 3n, [otherId]: 2n });
  });

  test("that has nothing to say carries a bookmark every 15 seconds, past what its filter hides", async () => {
    const { nexus, ana, projectId, ready } = await start();
    await nexus.server.tickStreams(1_000);
    const stream = await watch(ana.events, { projectId, filters: { kinds: [EventKind.KEY] } });
    // Both read the same tail: what one was sent, the other has passed.
    const witness = await watch(ana.events, { projectId });
    await ready("a");
    await witness.count(2);
    witness.stop();
    await nexus.server.tickStreams(15_999);
    expect(stream.bookmarks).toEqual([1n]);

    await nexus.server.tickStreams(16_000);
    await expect.poll(() => stream.bookmarks).toEqual([1n, 3n]);
    await nexus.server.tickStreams(31_000);
    await expect.poll(() => stream.bookmarks).toEqual([1n, 3n, 3n]);
    expect(stream.events).toEqual([]);
    stream.stop();
  });

  test("finds by itself what no hint told of", async () => {
    const { nexus, ana, projectId } = await start();
    const stream = await watch(ana.events, { projectId });
    nexus.wakeUps.listen(() => {});
    await addDecisions(nexus, projectId, 3);
    await nexus.server.tickStreams(1_000);

    await stream.count(3);
    expect(stream.events.map(({ sequence }) => sequence)).toEqual([2n, 3n, 4n]);
    stream.stop();
  });

  test("reads on in pages where it begins long ago, and meets what is new", async () => {
    const { nexus, ana, projectId } = await start();
    await addDecisions(nexus, projectId, 1_700);
    const stream = await watch(ana.events, { projectId, after: 0n });
    await addDecisions(nexus, projectId, 300);
    await stream.count(2_001);

    expect(stream.events.map(({ sequence }) => Number(sequence))).toEqual(
      Array.from({ length: 2_001 }, (_, n) => n + 1),
    );
    stream.stop();
  });

  test("ends when its key is revoked, or has expired", async () => {
    const { nexus, ana, projectId } = await start();
    const { apiKey, key } = await ana.auth.createApiKey({ name: "laptop" });
    const short = await ana.auth.createApiKey({ name: "ci", lifetime: { seconds: 45n, nanos: 0 } });
    const [revoked, expired, other] = await Promise.all([
      watch(nexus.as(apiKey).events, { projectId }),
      watch(nexus.as(short.apiKey).events, { projectId }),
      watch(ana.events, { projectId }),
    ]);
    await ana.auth.revokeApiKey({ keyId: key?.id ?? "" });

    expect(reasonOf(await revoked.ended)).toBe("CREDENTIALS_INVALID");
    await nexus.advance(46_000);
    await nexus.server.tickStreams(46_000);
    expect(reasonOf(await expired.ended)).toBe("CREDENTIALS_INVALID");
    await other.count(1);
    other.stop();
  });

  test("of a member who is removed ends before anything that comes later", async () => {
    const { nexus, ana, projectId, ready } = await start();
    const ben = await nexus.join("ben");
    await ana.projects.addMember({ projectId, email: ben.email });
    const [bens, anas] = [await watch(ben.events, { projectId }), await watch(ana.events, { projectId })];
    await ana.projects.removeMember({ projectId, email: ben.email });
    await ready("secret");

    await anas.count(3);
    expect(reasonOf(await bens.ended)).toBe("RESOURCE_NOT_FOUND");
    expect(bens.events.filter(({ featureSlug }) => featureSlug === "secret")).toEqual([]);
    anas.stop();
  });

  test("ends when its engineer is no member any more, although no event tells of it; others go on", async () => {
    const { nexus, ana, projectId } = await start();
    const ben = await nexus.join("ben");
    await ana.projects.addMember({ projectId, email: ben.email });
    const own = await ben.projects.createProject({ slug: "own" });
    const bens = { projectId: own.project?.id ?? "" };
    const [both, stays, anas] = [
      await watch(ben.events, { ...bens, moreProjects: [{ projectId }] }),
      await watch(ben.events, bens),
      await watch(ana.events, { projectId }),
    ];
    await nexus.server.deps.database.transact((tx) =>
      tx.projects.removeMember(projectId as ProjectId, ben.id as EngineerId),
    );
    await nexus.server.tickStreams(31_000);

    expect(reasonOf(await both.ended)).toBe("RESOURCE_NOT_FOUND");
    await ana.features.createFeature({ projectId, slug: "login", title: "Login" });
    await ben.features.createFeature({ ...bens, slug: "login", title: "Login" });
    await Promise.all([anas.count(1), stays.count(1)]);
    anas.stop();
    stays.stop();
  });

  test("of a project that is deleted ends", async () => {
    const { nexus, ana, projectId } = await start();
    const stream = await watch(ana.events, { projectId });
    await ana.projects.deleteProject({ projectId, confirmSlug: "shop" });
    await nexus.server.tickStreams(1_000);

    expect(reasonOf(await stream.ended)).toBe("RESOURCE_NOT_FOUND");
  });

  test("is refused after events that are gone, with the oldest cursor, and after events that never were", async () => {
    const { nexus, ana, projectId, ready } = await start();
    const { nextPageToken } = await twoEventsOnTwoPages(ana, projectId, ready);
    await nexus.advance(31 * 24 * 3_600_000);
    await ready("b");
    await nexus.server.forgetEvents();

    for (const late of [
      await refusalOf(watch(ana.events, { projectId, after: 1n })),
      await refusalOf(ana.events.listEvents({ projectId, pageSize: 1, pageToken: nextPageToken })),
    ]) {
      expect([late.code, late.reason]).toEqual(["OutOfRange", "EVENT_CURSOR_EXPIRED"]);
      expect(late.detail(EventCursorExpiredSchema)).toMatchObject({ oldestSequence: 3n, projectId });
    }
    const stream = await watch(ana.events, { projectId, after: 3n });
    await stream.count(2);
    expect(stream.events.map(lineOf)).toEqual(["4 ana b feature 1", "5 ana b feature 3"]);
    stream.stop();
    expect((await refusalOf(watch(ana.events, { projectId, after: 6n }))).reason).toBe("REQUEST_INVALID");
  });

  test("may be read with a key that may only read", async () => {
    const { nexus, ana, projectId } = await start();
    const { apiKey } = await ana.auth.createApiKey({ name: "board", scope: 2 });

    const stream = await watch(nexus.as(apiKey).events, { projectId });

    expect(stream.bookmarks).toEqual([2n]);
    stream.stop();
  });

  test("costs nothing any more when its reader has gone", async () => {
    const { nexus, ana, projectId } = await start();
    const streams = await Promise.all(Array.from({ length: 5 }, () => watch(ana.events, { projectId })));
    expect(nexus.server.deps.hub.size).toBe(5);

    for (const stream of streams) stream.stop();

    await expect.poll(() => nexus.server.deps.hub.size).toBe(0);
  });

  test("that is not read keeps no events, is ended, and is resumed without loss", async () => {
    const { nexus, ana, projectId } = await start();
    const { hub } = nexus.server.deps;
    await nexus.server.tickStreams(1_000);
    const reader = nexus.overHttp2(ana.key).watchEvents({ projectId })[Symbol.asyncIterator]();
    await reader.next();
    await addDecisions(nexus, projectId, 400, 20_000);
    await nexus.server.tickStreams(2_000);
    // It stands still in the middle of 8 MB, with what the connection buffers.
    const stuck = await stillCursor(hub);
    expect(stuck).toBeLessThan(50n);

    await nexus.server.tickStreams(32_000);
    const seen: bigint[] = [];
    const error = await (async () => {
      for (;;) {
        const { value } = await reader.next();
        if (value?.message.case === "event") seen.push(value.message.value.sequence);
      }
    })().catch(ConnectError.from);
    expect(reasonOf(error)).toBe("WATCHER_TOO_SLOW");
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, n) => BigInt(n + 2)));
    expect(resumeOf(error)).toEqual({ [projectId]: seen.at(-1) });
    expect(hub.size).toBe(0);

    const resumed = await watch(ana.events, { projectId, after: seen.at(-1) ?? 0n });
    await resumed.count(400 - seen.length);
    expect(resumed.events.map(({ sequence }) => sequence)[0]).toBe((seen.at(-1) ?? 0n) + 1n);
    resumed.stop();
  });

  test("that goes on not being read is cut off", async () => {
    const { nexus, ana, projectId } = await start();
    await nexus.server.tickStreams(1_000);
    const reader = nexus.overHttp2(ana.key).watchEvents({ projectId })[Symbol.asyncIterator]();
    await reader.next();
    await addDecisions(nexus, projectId, 400, 20_000);
    await stillCursor(nexus.server.deps.hub);
    await nexus.server.tickStreams(31_000);
    expect(nexus.server.deps.hub.size).toBe(1);

    await nexus.server.tickStreams(61_000);

    await expect.poll(() => nexus.server.deps.hub.size).toBe(0);
    await expect(
      (async () => {
        while (!(await reader.next()).done);
      })(),
    ).rejects.toThrow(ConnectError);
  });

  test("that stands still while what it would read next is forgotten says so instead of going on behind it", async () => {
    const { nexus, ana, projectId } = await start();
    await addDecisions(nexus, projectId, 1_500, 4_000);
    const reader = nexus.overHttp2(ana.key).watchEvents({ projectId, after: 0n })[Symbol.asyncIterator]();
    await reader.next();
    await stillCursor(nexus.server.deps.hub);
    await nexus.server.deps.database.forgetEvents(new Date("2027-01-01"), 1_000);
    const seen: bigint[] = [];

    const error = await (async () => {
      for (;;) {
        const { value } = await reader.next();
        if (value?.message.case === "event") seen.push(value.message.value.sequence);
      }
    })().catch(ConnectError.from);

    expect(reasonOf(error)).toBe("EVENT_CURSOR_EXPIRED");
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, n) => BigInt(n + 1)));
    expect(error.findDetails(EventCursorExpiredSchema)[0]?.oldestSequence).toBe(1_000n);
  });

  test("is refused to an engineer who has too many", async () => {
    const { ana, projectId } = await start();
    const streams = await Promise.all(Array.from({ length: 200 }, () => watch(ana.events, { projectId })));

    expect((await refusalOf(watch(ana.events, { projectId }))).reason).toBe("LIMIT_EXCEEDED");
    for (const stream of streams) stream.stop();
  });
});

/** How far the only stream has come when it does not move any more. */
async function stillCursor(hub: EventHub): Promise<bigint> {
  const position = () => hub.positions()[0]?.values().next().value ?? 0n;
  let before = -1n;
  await expect
    .poll(
      () => {
        const still = before === position() && before > 1n;
        before = position();
        return still;
      },
      { interval: 300, timeout: 20_000 },
    )
    .toBe(true);
  return before;
}

async function twoEventsOnTwoPages(ana: TestEngineer, projectId: string, ready: Workplace["ready"]) {
  await ready("a");
  return ana.events.listEvents({ projectId, pageSize: 1 });
}
