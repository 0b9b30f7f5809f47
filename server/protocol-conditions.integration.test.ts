import { randomUUID } from "node:crypto";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { expect, test } from "vitest";
import { ClaimsRecoveringError } from "./domain/errors.ts";
import type { ProjectId, SessionId } from "./domain/ids.ts";
import { expireSession } from "./domain/recovery/expire-session.ts";
import { settleClaim } from "./domain/recovery/settle-claim.ts";
import { SessionExpiredError } from "./domain/sessions/session-errors.ts";
import { heartbeatSession } from "./domain/sessions/use-session.ts";
import { callerIn, commitGranted, grantPick } from "./testing/half-pick.ts";
import { startNexus } from "./testing/start-nexus.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

// Conditions of CLAIMS section 4 that only a crash at the right moment makes felt. Each has a mutant (scripts/mutants.list.mjs).

async function atWork() {
  const nexus = await startNexus("embedded");
  const work = await openWorkplace(nexus);
  await work.ready("login", ["src"]);
  return { nexus, work, me: await work.session() };
}

test("what was granted in an earlier epoch is not committed", async () => {
  const { nexus, work, me } = await atWork();
  const granted = await grantPick(nexus, work, "login", me);
  await nexus.server.deps.claims.rebuild(granted.project.id, granted.epoch, "always");

  expect(await commitGranted(nexus, work, granted)).toBeUndefined();

  expect((await work.feature("login")).status).toBe(FeatureStatus.READY);
});

test("a session is not expired for a lease that it had in an earlier epoch", async () => {
  const { nexus, work, me } = await atWork();
  await work.hold("login", me);
  const { deps } = nexus.server;
  const { project } = await grantPickOfAnother();
  await deps.claims.rebuild(project.id, project.epoch, "always");

  await expect(expireSession(deps, project, me as SessionId)).rejects.toThrow(ClaimsRecoveringError);

  expect((await work.feature("login")).holder?.sessionId).toBe(me);

  async function grantPickOfAnother() {
    await work.ready("other", ["docs"]);
    const granted = await grantPick(nexus, work, "other", await work.session());
    return { project: { ...granted.project, epoch: granted.epoch } };
  }
});

test("what was settled as never committed can't be committed any more", async () => {
  const { nexus, work, me } = await atWork();
  const granted = await grantPick(nexus, work, "login", me);
  await settleClaim(nexus.server.deps, { ...granted.project, epoch: granted.epoch }, granted.claimId);

  expect(await commitGranted(nexus, work, granted)).toBeUndefined();

  expect((await work.feature("login")).status).toBe(FeatureStatus.READY);
});

test("a pick that was committed is not answered once its session has lapsed", async () => {
  const { nexus, work, me } = await atWork();
  await commitGranted(nexus, work, await grantPick(nexus, work, "login", me));
  await nexus.advance(5 * 60_000 + 1);

  expect((await refusalOf(work.pick("login", me))).reason).toBe("SESSION_EXPIRED");
});

test("a session that is closed in the midst of a heartbeat is not told that it is alive and holds nothing", async () => {
  const { nexus, work, me } = await atWork();
  await work.hold("login", me);
  const { deps } = nexus.server;
  const [projectId, sessionId] = [work.projectId as ProjectId, me as SessionId];
  let calls = 0;
  const claims: typeof deps.claims = Object.create(deps.claims, {
    run: {
      async value(...args: Parameters<typeof deps.claims.run>) {
        if (++calls === 2) await work.ana.sessions.closeSession({ projectId, sessionId });
        return deps.claims.run(...args);
      },
    },
  });

  const answer = heartbeatSession({ ...deps, claims }, callerIn(work), { projectId, sessionId });

  await expect(answer).rejects.toThrow(SessionExpiredError);
});

test("a second attempt of a request whose first was committed commits nothing, also after that has ended", async () => {
  const { nexus, work, me } = await atWork();
  const requestId = randomUUID();
  const first = await grantPick(nexus, work, "login", me);
  await commitGranted(nexus, work, first, requestId);
  await work.ana.features.releaseFeature({
    projectId: work.projectId,
    slug: "login",
    sessionId: me,
    fencingToken: first.granted.fencingToken,
  });
  const late = await grantPick(nexus, work, "login", me);

  expect(await commitGranted(nexus, work, late, requestId)).toEqual({ claimId: first.claimId });

  expect((await work.feature("login")).status).toBe(FeatureStatus.READY);
});
