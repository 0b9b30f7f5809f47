import { SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { expect, test } from "vitest";
import type { Caller } from "./domain/caller.ts";
import type { EngineerId, ProjectId } from "./domain/ids.ts";
import type { ClaimAccess } from "./domain/recovery/claim-access.ts";
import { openSession } from "./domain/sessions/open-session.ts";
import { startNexus } from "./testing/start-nexus.ts";
import { openWorkplace } from "./testing/workplace.ts";

test.each(["redis", "embedded"] as const)(
  "a session whose lease is wiped by a rebuild before its record is written gets another lease (%s claims)",
  async (kind) => {
    const nexus = await startNexus(kind);
    const { ana, projectId: id } = await openWorkplace(nexus);
    const projectId = id as ProjectId;
    const { deps } = nexus.server;
    const epochNow = async () => (await deps.database.read.projects.getById(projectId))?.epoch ?? 0;
    let rebuilt = false;
    const rebuildAfterLease: ClaimAccess["run"] = async (project, call) => {
      const answer = await deps.claims.run(project, call);
      if (!rebuilt && answer.outcome.kind === "alive") {
        rebuilt = true;
        await deps.claims.rebuild(projectId, await epochNow(), "always");
      }
      return answer;
    };
    const claims: ClaimAccess = Object.assign(Object.create(deps.claims), { run: rebuildAfterLease });
    const caller: Caller = {
      engineerId: ana.id as EngineerId,
      engineerName: "ana",
      keyId: "",
      scope: "full",
      request: undefined,
    };
    const opening = { projectId, clientSessionId: "a1", agent: "", host: "", worktree: "", branch: "" };

    const { session } = await openSession({ ...deps, claims }, caller, opening);

    expect(rebuilt).toBe(true);
    await ana.sessions.heartbeatSession({ projectId, sessionId: session.id });
    await nexus.server.reconcile();
    const { session: after } = await ana.sessions.getSession({ projectId, sessionId: session.id });
    expect(after?.state).toBe(SessionState.OPEN);
  },
);

test("a rebuild that somebody else has just made is not made again", async () => {
  const nexus = await startNexus("redis");
  const { projectId: id, session } = await openWorkplace(nexus);
  const projectId = id as ProjectId;
  await session();
  const { claims, database } = nexus.server.deps;
  const before = await database.read.projects.getById(projectId);

  await claims.rebuild(projectId, before?.epoch ?? 0, "when-lost");

  expect((await database.read.projects.getById(projectId))?.epoch).toBe(before?.epoch);
});
