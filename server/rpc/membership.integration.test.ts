import { InterruptionCause } from "@nexus/gen/nexus/v1/feature_pb";
import { SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { expect, test } from "vitest";
import { StoreUnavailableError } from "../domain/errors.ts";
import type { ProjectId } from "../domain/ids.ts";
import { startNexus, type TestNexus } from "../testing/start-nexus.ts";
import { refusalOf } from "../testing/workplace.ts";

/** A project of Ana's in which Bob, a member, holds the feature `login`. */
async function bobAtWork(nexus: TestNexus) {
  const [ana, bob] = [await nexus.join("ana"), await nexus.join("bob")];
  const { project } = await ana.projects.createProject({ slug: "shop" });
  const projectId = project?.id ?? "";
  await ana.projects.addMember({ projectId, email: bob.email });
  await bob.features.createFeature({ projectId, slug: "login", title: "Login", touches: [{ path: "src/auth.ts" }] });
  await bob.features.markFeatureReady({ projectId, slug: "login" });
  const open = async (engineer: typeof ana) => {
    const { session } = await engineer.sessions.openSession({ projectId, agent: "claude" });
    return session?.id ?? "";
  };
  const sessionId = await open(bob);
  await bob.features.pickFeature({ projectId, slug: "login", sessionId });
  return { ana, bob, projectId, sessionId, open };
}

test.each(["redis", "embedded"] as const)("who is removed holds nothing any more, with %s claims", async (kind) => {
  const nexus = await startNexus(kind);
  const { ana, bob, projectId, sessionId, open } = await bobAtWork(nexus);

  await ana.projects.removeMember({ projectId, email: bob.email });
  // Bob's agent may still be writing.
  await nexus.advance(15_000);

  const { feature } = await ana.features.pickFeature({ projectId, slug: "login", sessionId: await open(ana) });
  expect(feature?.holder?.engineerName).toBe("ana");
  const { sessions } = await ana.sessions.listActiveSessions({ projectId });
  expect(sessions.map((session) => session.engineerId)).toEqual([ana.id]);
  const heartbeat = await refusalOf(bob.sessions.heartbeatSession({ projectId, sessionId }));
  expect(heartbeat.reason).toBe("RESOURCE_NOT_FOUND");
});

test("a removal whose server died half-way is finished by any other", async () => {
  const nexus = await startNexus("embedded");
  const { ana, bob, projectId, sessionId, open } = await bobAtWork(nexus);
  const others = await open(ana);
  Object.assign(nexus.server.deps.database.read.sessions, { listAllOpen: () => Promise.reject(new Error("killed")) });
  await refusalOf(ana.projects.removeMember({ projectId, email: bob.email }));

  await nexus.server.reconcile();

  const { session } = await ana.sessions.getSession({ projectId, sessionId });
  expect(session?.state).toBe(SessionState.EXPIRED);
  const { feature } = await ana.features.getFeature({ projectId, slug: "login" });
  expect(feature?.interruption?.cause).toBe(InterruptionCause.MEMBER_REMOVED);
  const { sessions } = await ana.sessions.listActiveSessions({ projectId });
  expect(sessions.map(({ id }) => id)).toEqual([others]);
});

test("a removal is done when it is committed, also where the claim store is away", async () => {
  const nexus = await startNexus("embedded");
  const { ana, bob, projectId, sessionId } = await bobAtWork(nexus);
  const { claims } = nexus.server.deps;
  const run = claims.run.bind(claims);
  claims.run = () => Promise.reject(new StoreUnavailableError("claims"));
  await ana.projects.removeMember({ projectId, email: bob.email });
  claims.run = run;

  await nexus.server.reconcile();

  const { session } = await ana.sessions.getSession({ projectId, sessionId });
  expect(session?.state).toBe(SessionState.EXPIRED);
});

test.each(["redis", "embedded"] as const)("a deleted project leaves no claims behind, with %s claims", async (kind) => {
  const nexus = await startNexus(kind);
  const { ana, bob, projectId, sessionId } = await bobAtWork(nexus);
  const scope = { projectId: projectId as ProjectId, epoch: await epochOf(nexus, projectId) };
  expect(await nexus.claimStore.list(scope)).toMatchObject({ kind: "listed", claims: [{ sessionId }] });

  await ana.projects.deleteProject({ projectId, confirmSlug: "shop" });

  expect(await nexus.claimStore.list(scope)).toEqual({ kind: "recovering", storeEpoch: undefined });
  const heartbeat = await refusalOf(bob.sessions.heartbeatSession({ projectId, sessionId }));
  expect(heartbeat.reason).toBe("RESOURCE_NOT_FOUND");
  await expect(ana.projects.createProject({ slug: "shop" })).resolves.toBeDefined();
});

test("a read-only key reads over HTTP and changes nothing", async () => {
  const nexus = await startNexus("embedded");
  const ana = await nexus.join("ana");
  const post = (method: string, body: object, authorization: string) =>
    fetch(`${nexus.url}/nexus.v1.${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization },
      body: JSON.stringify(body),
    });
  const made = await post("AuthService/CreateApiKey", { scope: "API_KEY_SCOPE_READ" }, `bearer ${ana.key}`);
  const { apiKey } = (await made.json()) as { apiKey: string };

  const listed = await post("ProjectService/ListProjects", {}, `Bearer ${apiKey}`);
  expect(await listed.json()).toEqual({ projects: [], nextPageToken: "" });
  const created = await post("ProjectService/CreateProject", { slug: "shop" }, `Bearer ${apiKey}`);
  expect(created.status).toBe(403);
  const anonymous = await post("ProjectService/ListProjects", {}, "Basic YTpi");
  expect(anonymous.status).toBe(401);
});

async function epochOf(nexus: TestNexus, projectId: string): Promise<number> {
  const project = await nexus.server.deps.database.read.projects.getById(projectId as ProjectId);
  return project?.epoch ?? 0;
}
