import { randomUUID } from "node:crypto";
import { InterruptionCause } from "@nexus/gen/nexus/v1/feature_pb";
import { expect, test } from "vitest";
import { BRIEFING_CHARACTERS } from "../domain/knowledge/brief-feature.ts";
import { startNexus } from "../testing/start-nexus.ts";
import { openWorkplace } from "../testing/workplace.ts";

const TTL_MS = 5 * 60_000;

async function open() {
  const nexus = await startNexus("embedded");
  const workplace = await openWorkplace(nexus);
  const { ana, projectId, session, pick } = workplace;
  return {
    ...workplace,
    nexus,
    learn: (text: string, slug = "") => ana.knowledge.addLearning({ projectId, text, slug }),
    decide: async (title: string, more: { slug?: string; supersedes?: string[]; decision?: string } = {}) =>
      (await ana.knowledge.recordDecision({ projectId, title, ...more })).decision?.id ?? "",
    /** What a new session is told at its pick. */
    async briefed(slug: string) {
      const { briefing } = await pick(slug, await session());
      if (briefing === undefined) throw new Error("PickFeature answered no briefing");
      return briefing;
    },
  };
}

test("a pick tells how earlier work broke off, how far it had come, and what was learnt on the feature", async () => {
  const { ready, session, hold, learn, briefed, ana, projectId, nexus } = await open();
  await ready("login", ["src"]);
  const first = await session();
  await hold("login", first);
  await learn("one", "login");
  await learn("two", "login");
  const said = { context: "parser done", data: { step: 3 }, branch: "b", commit: "c", changedPaths: ["src/a.ts"] };
  const { checkpoint } = await ana.sessions.saveCheckpoint({ projectId, sessionId: first, ...said });
  await nexus.advance(TTL_MS + 1_000);
  await nexus.server.reconcile();
  await nexus.advance(60_000);
  await nexus.server.reconcile();

  const briefing = await briefed("login");

  expect(briefing.interruption).toMatchObject({
    cause: InterruptionCause.SESSION_EXPIRED,
    sessionId: first,
    worktree: "/home/ana/shop",
    checkpointId: checkpoint?.id,
  });
  expect(briefing.checkpoint).toEqual(checkpoint);
  expect(briefing.learnings.map(({ text }) => text)).toEqual(["two", "one"]);
  expect(briefing).toMatchObject({ omittedLearnings: 0, omittedDecisions: 0, checkpointCut: false });
});

test("a repeated pick, and a pick of what is held, brief again; a clean release ends the interruption", async () => {
  const { ready, session, hold, pick, feature, ana, projectId, nexus } = await open();
  await ready("login", ["src"]);
  await hold("login", await session());
  await nexus.advance(TTL_MS + 1_000);
  await nexus.server.reconcile();
  await nexus.advance(60_000);
  await nexus.server.reconcile();
  const me = await session();
  const requestId = randomUUID();

  const first = await pick("login", me, requestId);
  const repeated = await pick("login", me, requestId);
  const again = await pick("login", me);

  expect(first.briefing?.interruption?.cause).toBe(InterruptionCause.SESSION_EXPIRED);
  expect(repeated.briefing).toEqual(first.briefing);
  expect(again.briefing).toEqual(first.briefing);
  expect(first.feature?.interruption).toBeUndefined();
  const fencingToken = first.claim?.fencingToken ?? 0n;
  await ana.features.releaseFeature({ projectId, slug: "login", sessionId: me, fencingToken });
  expect((await feature("login")).interruption).toBeUndefined();
  expect((await pick("login", me)).briefing?.interruption).toBeUndefined();
});

test("decisions in force that concern the feature, its paths or the project, the nearest first; no others", async () => {
  const { ready, decide, briefed } = await open();
  await ready("login", ["src/auth.ts", "docs"]);
  await ready("shares", ["src/**"]);
  await ready("apart", ["lib"]);
  await decide("of the project");
  await decide("of what shares a path", { slug: "shares" });
  const old = await decide("superseded", { slug: "login" });
  await decide("of the feature", { slug: "login", supersedes: [old] });
  await decide("of another feature", { slug: "apart" });

  const { decisions } = await briefed("login");

  expect(decisions.map(({ title }) => title)).toEqual(["of the feature", "of what shares a path", "of the project"]);
});

test("learnings on the same paths and on the project follow those on the feature", async () => {
  const { ready, learn, briefed, ana, projectId } = await open();
  await ready("login", ["src/auth.ts"]);
  await ready("earlier", ["SRC/auth.ts"]);
  await ready("apart", ["lib"]);
  await learn("on the feature", "login");
  await learn("elsewhere", "apart");
  await learn("on the project");
  await learn("on the same file", "earlier");
  await ana.features.cancelFeature({ projectId, slug: "earlier" });

  const { learnings } = await briefed("login");

  expect(learnings.map(({ text }) => text)).toEqual(["on the feature", "on the same file", "on the project"]);
});

test("beside the largest checkpoint the feature's own decision is told, however long it is", async () => {
  const { ready, session, hold, briefed, ana, projectId } = await open();
  const paths = Array.from({ length: 100 }, (_, n) => `src/${"deep/".repeat(20)}${n}.ts`);
  await ready("login", paths);
  const first = await session();
  const fencingToken = await hold("login", first);
  await ana.sessions.saveCheckpoint({
    projectId,
    sessionId: first,
    context: "c".repeat(50_000),
    data: { large: "x".repeat(1_900) },
    changedPaths: paths,
  });
  await ana.features.releaseFeature({ projectId, slug: "login", sessionId: first, fencingToken });
  const long = "d".repeat(20_000);
  await ana.knowledge.recordDecision({
    projectId,
    slug: "login",
    title: "t".repeat(200),
    decision: long,
    rationale: long,
    alternatives: long,
    consequences: long,
  });

  const { decisions, checkpoint } = await briefed("login");

  expect(decisions).toHaveLength(1);
  const told = [
    checkpoint?.context,
    JSON.stringify(checkpoint?.data),
    ...(checkpoint?.changedPaths ?? []),
    ...(checkpoint?.heldTouches.map(({ path }) => path) ?? []),
  ].join("");
  expect(told.length).toBeLessThanOrEqual(BRIEFING_CHARACTERS / 2);
});

test("however much is known, a briefing stays within its budget, the newest first, and says what it left out", async () => {
  const { ready, session, hold, learn, decide, briefed, ana, projectId } = await open();
  await ready("login", ["src"]);
  const first = await session();
  const fencingToken = await hold("login", first);
  await ana.sessions.saveCheckpoint({
    projectId,
    sessionId: first,
    context: "🚀".repeat(50_000),
    data: { large: "x".repeat(100_000) },
    changedPaths: Array.from({ length: 1_000 }, (_, n) => `src/${"deep/".repeat(20)}${n}.ts`),
  });
  await ana.features.releaseFeature({ projectId, slug: "login", sessionId: first, fencingToken });
  for (let n = 1; n <= 30; n++) {
    await learn(`learning ${n} ${"l".repeat(19_000)}`, "login");
    await decide(`decision ${n}`, { slug: "login", decision: "d".repeat(19_000) });
  }

  const briefing = await briefed("login");

  const { learnings, decisions, checkpoint } = briefing;
  const told = [
    ...learnings.map(({ text }) => text),
    ...decisions.flatMap(({ title, decision }) => [title, decision]),
    checkpoint?.context,
    JSON.stringify(checkpoint?.data ?? ""),
    ...(checkpoint?.changedPaths ?? []),
  ].join("");
  expect(told.length).toBeLessThanOrEqual(BRIEFING_CHARACTERS);
  expect(told.length).toBeGreaterThan(BRIEFING_CHARACTERS / 2);
  expect(told.isWellFormed()).toBe(true);
  expect(learnings[0]?.text).toMatch(/^learning 30 l+… \[17\d\d\d characters more\]$/);
  expect(decisions[0]?.title).toBe("decision 30");
  expect(briefing.omittedLearnings).toBe(30 - learnings.length);
  expect(briefing.omittedDecisions).toBe(30 - decisions.length);
  expect(learnings.length).toBeGreaterThan(2);
  expect(decisions.length).toBeGreaterThan(2);
  expect(checkpoint?.context).toMatch(/characters more\]$/);
  expect(briefing.checkpointCut).toBe(true);
});
