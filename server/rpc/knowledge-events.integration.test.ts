import { expect, test } from "vitest";
import { startNexus } from "../testing/start-nexus.ts";
import { openWorkplace } from "../testing/workplace.ts";

test("what is written down is an event, with who, where, and under which feature", async () => {
  const { ana, projectId, ready, session, hold } = await openWorkplace(await startNexus("embedded"));
  await ready("login", ["src"]);
  const sessionId = await session();
  const fencingToken = await hold("login", sessionId);
  const { eventCursor } = await ana.sessions.listActiveSessions({ projectId });

  await ana.knowledge.addLearning({ projectId, sessionId, text: "the cache is per process" });
  const first = await ana.knowledge.recordDecision({ projectId, title: "Redis", decision: "it expires" });
  await ana.knowledge.recordDecision({
    projectId,
    title: "Lua",
    decision: "it is atomic",
    supersedes: [first.decision?.id ?? ""],
  });
  await ana.sessions.saveCheckpoint({ projectId, sessionId, context: "half-way", branch: "login" });

  const { events } = await ana.events.listEvents({ projectId });
  const written = events.filter((event) => event.sequence > eventCursor);
  expect(written.map(({ actor, sessionId, featureSlug }) => [actor, sessionId, featureSlug])).toEqual([
    ["ana", sessionId, "login"],
    ["ana", "", ""],
    ["ana", "", ""],
    ["ana", sessionId, "login"],
  ]);
  expect(written.map((event) => event.payload)).toMatchObject([
    { case: "learning", value: { text: "the cache is per process" } },
    { case: "decision", value: { title: "Redis", supersedes: [] } },
    { case: "decision", value: { title: "Lua", supersedes: [first.decision?.id] } },
    { case: "checkpoint", value: { branch: "login", fencingToken, heldTouches: [{ path: "src" }] } },
  ]);
});
