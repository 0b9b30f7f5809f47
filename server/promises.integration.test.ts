import { randomUUID } from "node:crypto";
import { BadRequestSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Caller } from "./domain/caller.ts";
import { StoreUnavailableError } from "./domain/errors.ts";
import { endFeature } from "./domain/features/end-feature.ts";
import type { EngineerId, FeatureId, ProjectId, SessionId, Slug } from "./domain/ids.ts";
import { openSession } from "./domain/sessions/open-session.ts";
import { connectPostgres } from "./storage/postgres/connect.ts";
import { PostgresFeatureStore } from "./storage/postgres/feature-store.ts";
import { startNexus, type TestEngineer, type TestNexus } from "./testing/start-nexus.ts";
import { whileUncommitted } from "./testing/while-uncommitted.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

const TTL_MS = 5 * 60_000;

function callerFor(engineer: TestEngineer): Caller {
  return {
    engineerId: engineer.id as EngineerId,
    engineerName: "ana",
    keyId: "x",
    scope: "full",
    request: undefined,
  };
}

/** Deps whose claim access runs `after` once, when the first call of the claim store has answered. */
function depsWith(nexus: TestNexus, after: (project: { id: ProjectId }, epoch: number) => Promise<void>) {
  const { deps } = nexus.server;
  let first = true;
  const claims = new Proxy(deps.claims, {
    get(target, name) {
      if (name !== "run") return Reflect.get(target, name);
      return async (project: never, call: never) => {
        const answer = await target.run(project, call);
        if (first) {
          first = false;
          await after(project, answer.epoch);
        }
        return answer;
      };
    },
  });
  return { ...deps, claims };
}

describe.each(["redis", "embedded"] as const)("with %s claims", (kind) => {
  test("a session that is opened while another server rebuilds the claims lives as long as was promised", async () => {
    const nexus = await startNexus(kind);
    const { ana, projectId } = await openWorkplace(nexus);
    const deps = depsWith(nexus, async (project, epoch) => {
      // What a FLUSHALL and the next call anywhere do between the two awaits of openNew.
      await nexus.claimStore.deleteProject(project.id);
      await nexus.server.deps.claims.rebuild(project.id, epoch, "always");
    });

    const { session } = await openSession(deps, callerFor(ana), {
      projectId: projectId as ProjectId,
      clientSessionId: "a1",
      agent: "",
      host: "",
      worktree: "",
      branch: "",
    });

    await ana.sessions.heartbeatSession({ projectId, sessionId: session.id });
  });

  test("a session whose server slept past its TTL while opening it expires all the same", async () => {
    const nexus = await startNexus(kind);
    const { session, ana, projectId } = await openWorkplace(nexus);
    await session();
    const deps = depsWith(nexus, async () => {
      // SIGSTOP between the lease and the record: the sweeper of another server takes the lapsed lease away.
      await nexus.advance(TTL_MS + 1);
      await nexus.server.reconcile();
    });
    await openSession(deps, callerFor(ana), {
      projectId: projectId as ProjectId,
      clientSessionId: "a1",
      agent: "",
      host: "",
      worktree: "",
      branch: "",
    }).catch(() => {});

    await nexus.advance(100 * TTL_MS);
    await nexus.server.reconcile();

    expect((await ana.sessions.listActiveSessions({ projectId })).sessions).toEqual([]);
  });

  test("a late holder's cancel with its stale token changes nothing", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, hold, feature, ana, projectId } = await openWorkplace(nexus);
    await ready("login", ["src"]);
    const sleeper = await session();
    const fencingToken = await hold("login", sleeper);
    await nexus.advance(TTL_MS + 1);
    await nexus.server.reconcile();
    expect((await feature("login")).status).toBe(FeatureStatus.READY);

    const late = ana.features.cancelFeature({ projectId, slug: "login", sessionId: sleeper, fencingToken });
    await late.catch(() => {});

    expect((await feature("login")).status).toBe(FeatureStatus.READY);
  });

  test("a refused pick renews the session that it names", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, pick, ana, projectId } = await openWorkplace(nexus);
    await ready("base", ["lib"]);
    await ready("login", ["src"], { dependsOn: ["base"] });
    const waiting = await session();
    for (let i = 0; i < 3; i++) {
      await nexus.advance(TTL_MS - 1_000);
      expect((await refusalOf(pick("login", waiting))).reason).toBe("DEPENDENCIES_UNMET");
      await nexus.server.reconcile();
    }
    await ana.sessions.heartbeatSession({ projectId, sessionId: waiting });
  });

  test("a repeated pick renews the session that it names", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, pick } = await openWorkplace(nexus);
    await ready("login", ["src"]);
    const me = await session();
    for (let i = 0; i < 3; i++) {
      await pick("login", me);
      await nexus.advance(TTL_MS - 1_000);
      await nexus.server.reconcile();
    }
    await pick("login", me);
  });

  test("paths that were released are free at once after a crash, whatever the clock of the server that crashed", async () => {
    const nexus = await startNexus(kind);
    const { ready, session, hold, ana, projectId } = await openWorkplace(nexus);
    await ready("login", ["src"]);
    const me = await session();
    const fencingToken = await hold("login", me);
    const { deps } = nexus.server;
    const ahead = { now: () => new Date(deps.clock.now().getTime() + 3_600_000) };
    const dies = new Proxy(deps.claims, {
      get: () => async () => {
        throw new StoreUnavailableError("claims");
      },
    });
    await endFeature(
      { ...deps, clock: ahead, claims: dies },
      callerFor(ana),
      {
        projectId: projectId as ProjectId,
        slug: "login" as Slug,
        sessionId: me as SessionId,
        fencingToken,
      },
      "done",
    );

    await nexus.advance(15_000);
    await nexus.server.reconcile();

    expect((await ana.claims.checkPaths({ projectId, paths: ["src"] })).paths[0]?.holder).toBeUndefined();
  });
});

test("a pick that waits for a change of dependencies looks at the new ones", async () => {
  const nexus = await startNexus("embedded");
  const { ready, session, feature } = await openWorkplace(nexus);
  await ready("base", ["lib"]);
  await ready("login", ["src"]);
  const me = await session();
  const [login, base] = [await feature("login"), await feature("base")];
  const connection = connectPostgres(nexus.databaseUrl, 4);
  onTestFinished(connection.close);

  const { waited, answer } = await whileUncommitted(
    connection,
    // UpdateFeature with depends_on, up to its commit.
    (tx) =>
      new PostgresFeatureStore(tx).update(login.id as FeatureId, { dependsOn: [base.id as FeatureId] }, new Date()),
    // P2 of a pick that read the feature before.
    (tx) =>
      new PostgresFeatureStore(tx).activate({
        featureId: login.id as FeatureId,
        sessionId: me as SessionId,
        claimId: randomUUID() as never,
        fencingToken: 2n ** 40n,
        revision: 1,
        time: new Date(),
      }),
  );

  expect({ waited, answer }).toEqual({ waited: true, answer: false });
});

test("any fencing token of 64 bits that is not the pick's is a stale one", async () => {
  const { ready, session, hold, done } = await openWorkplace(await startNexus("embedded"));
  await ready("login", ["src"]);
  const me = await session();
  await hold("login", me);
  expect((await refusalOf(done("login", me, 2n ** 64n - 1n))).reason).toBe("FENCING_TOKEN_STALE");
});

test("OpenSession under one request id happens once", async () => {
  const { ana, projectId } = await openWorkplace(await startNexus("embedded"));
  const request = { projectId, clientSessionId: "a1", requestId: randomUUID() };
  const first = await ana.sessions.openSession(request);
  await ana.sessions.closeSession({ projectId, sessionId: first.session?.id ?? "" });
  const second = await ana.sessions.openSession(request);
  expect(second.session?.id).toBe(first.session?.id);
});

test("a request id of OpenSession that comes with another body is refused", async () => {
  const { ana, projectId } = await openWorkplace(await startNexus("embedded"));
  const requestId = randomUUID();
  await ana.sessions.openSession({ projectId, clientSessionId: "a1", requestId });
  const again = ana.sessions.openSession({ projectId, clientSessionId: "a2", requestId });
  expect((await refusalOf(again)).reason).toBe("REQUEST_ID_REUSED");
});

test("a page token with a key that nobody made is refused", async () => {
  const { ready, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  await ready("a");
  await ready("b");
  const { nextPageToken } = await ana.features.listFeatures({ projectId, pageSize: 1 });
  const [hash] = JSON.parse(Buffer.from(nextPageToken, "base64url").toString("utf8"));
  const pageToken = Buffer.from(JSON.stringify([hash, { lane: "now", position: "x", id: "y" }])).toString("base64url");
  const refusal = await refusalOf(ana.features.listFeatures({ projectId, pageToken }));
  expect(refusal.reason).toBe("REQUEST_INVALID");
  expect(refusal.detail(BadRequestSchema)?.fieldViolations[0]?.field).toBe("page_token");
});

test("too long a filter is refused, not a defect", async () => {
  const { ana, projectId } = await openWorkplace(await startNexus("embedded"));
  const statuses = Array<FeatureStatus>(70_000).fill(FeatureStatus.READY);
  const answered = ana.features.listFeatures({ projectId, statuses }).then(() => "ok");
  expect(await answered.catch(async () => (await refusalOf(answered)).reason)).not.toBe("INTERNAL");
});

test("the refusal to delete a ready feature does not offer what it refuses", async () => {
  const { ready, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  await ready("login");
  const { message } = await refusalOf(ana.features.deleteFeature({ projectId, slug: "login" }));
  expect(message).not.toContain("can't become draft; only draft");
});

test("a draft that only a cancelled feature depends on can be deleted", async () => {
  const { ready, ana, projectId } = await openWorkplace(await startNexus("embedded"));
  await ana.features.createFeature({ projectId, slug: "base", title: "base" });
  await ready("login", [], { dependsOn: ["base"] });
  await ana.features.cancelFeature({ projectId, slug: "login" });
  await ana.features.deleteFeature({ projectId, slug: "base" });
});
