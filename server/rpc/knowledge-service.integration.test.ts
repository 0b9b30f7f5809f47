import { randomUUID } from "node:crypto";
import { BadRequestSchema, ResourceInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { SupersessionCycleSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { expect, test } from "vitest";
import { startNexus } from "../testing/start-nexus.ts";
import { openWorkplace, refusalOf } from "../testing/workplace.ts";

async function open() {
  const nexus = await startNexus("embedded");
  const workplace = await openWorkplace(nexus);
  const { ana, projectId } = workplace;
  return {
    ...workplace,
    nexus,
    learn: async (text: string, more: { slug?: string; sessionId?: string; requestId?: string } = {}) =>
      (await ana.knowledge.addLearning({ projectId, text, ...more })).learning,
    decide: async (title: string, more: { slug?: string; sessionId?: string; supersedes?: string[] } = {}) =>
      (await ana.knowledge.recordDecision({ projectId, title, ...more })).decision,
    decisions: async (more: { slug?: string; includeSuperseded?: boolean } = {}) =>
      (await ana.knowledge.listDecisions({ projectId, ...more })).decisions,
  };
}

test("a learning belongs to the feature that its session holds, with its author, and stays when that is done", async () => {
  const { ready, session, hold, done, learn, ana, projectId } = await open();
  await ready("login", ["src"]);
  const me = await session();
  const token = await hold("login", me);

  const learning = await learn("the token cache is per process", { sessionId: me });
  await done("login", me, token);

  expect(learning).toMatchObject({ featureSlug: "login", engineerName: "ana", agent: "claude" });
  const { learnings } = await ana.knowledge.listLearnings({ projectId, slug: "login" });
  expect(learnings).toEqual([learning]);
});

test("what is known of a draft that was deleted is listed still, by its name as well", async () => {
  const { learn, decide, decisions, ana, projectId } = await open();
  await ana.features.createFeature({ projectId, slug: "gone", title: "gone" });
  await learn("the vendor has no sandbox", { slug: "gone" });
  await decide("Leave the vendor", { slug: "gone" });
  await ana.features.deleteFeature({ projectId, slug: "gone" });

  const { learnings } = await ana.knowledge.listLearnings({ projectId, slug: "gone" });

  expect(learnings.map(({ text }) => text)).toEqual(["the vendor has no sandbox"]);
  expect((await decisions({ slug: "gone" })).map(({ title }) => title)).toEqual(["Leave the vendor"]);
  for (const list of [ana.knowledge.listLearnings, ana.knowledge.listDecisions]) {
    expect((await refusalOf(list({ projectId, slug: "never-was" }))).reason).toBe("RESOURCE_NOT_FOUND");
  }
});

test("without a session, or with one that holds nothing, a learning is the project's; a slug settles it", async () => {
  const { ready, session, learn, ana, projectId } = await open();
  await ready("login");
  const me = await session();

  expect(await learn("by hand")).toMatchObject({ featureSlug: "", agent: "" });
  expect(await learn("by an agent", { sessionId: me })).toMatchObject({ featureSlug: "", agent: "claude" });
  expect(await learn("on login", { sessionId: me, slug: "login" })).toMatchObject({ featureSlug: "login" });
  const { learnings } = await ana.knowledge.listLearnings({ projectId, slug: "login" });
  expect(learnings.map(({ text }) => text)).toEqual(["on login"]);
});

test("learnings are listed newest first, page by page, each once, though the clock stands still", async () => {
  const { learn, ana, projectId } = await open();
  for (let number = 1; number <= 5; number++) await learn(`number ${number}`);

  const pages: string[][] = [];
  let pageToken = "";
  do {
    const page = await ana.knowledge.listLearnings({ projectId, pageSize: 2, pageToken });
    pages.push(page.learnings.map(({ text }) => text));
    pageToken = page.nextPageToken;
    // What comes in between changes nothing about the pages that follow.
    await learn("in between");
  } while (pageToken !== "");

  expect(pages).toEqual([["number 5", "number 4"], ["number 3", "number 2"], ["number 1"]]);
});

test("the same request id adds once, also after its session has ended; that session adds nothing new", async () => {
  const { session, learn, ana, projectId } = await open();
  const sessionId = await session();
  const requestId = randomUUID();
  const first = await learn("once", { sessionId, requestId });
  await ana.sessions.closeSession({ projectId, sessionId });

  const again = await learn("once", { sessionId, requestId });

  expect(again).toEqual(first);
  expect((await refusalOf(learn("more", { sessionId }))).reason).toBe("SESSION_EXPIRED");
  expect((await ana.knowledge.listLearnings({ projectId })).learnings).toHaveLength(1);
});

test("texts that are missing, too long or of an unknown feature are refused, and nothing is added", async () => {
  const { learn, decide, ana, projectId } = await open();

  const empty = await refusalOf(learn(""));
  const long = await refusalOf(
    ana.knowledge.recordDecision({ projectId, title: "t".repeat(201), rationale: "r".repeat(20_001) }),
  );
  const unknown = await refusalOf(learn("x", { slug: "nowhere" }));

  expect(empty.detail(BadRequestSchema)?.fieldViolations[0]?.field).toBe("text");
  expect(long.detail(BadRequestSchema)?.fieldViolations.map(({ field }) => field)).toEqual(["title", "rationale"]);
  expect(unknown.detail(ResourceInfoSchema)?.resourceType).toBe("feature");
  expect((await refusalOf(decide("x", { slug: "nowhere" }))).reason).toBe("RESOURCE_NOT_FOUND");
  expect((await ana.knowledge.listLearnings({ projectId })).learnings).toEqual([]);
});

test("a chain of decisions: the list shows the one in force, on request all, each knowing its neighbours", async () => {
  const { decide, decisions } = await open();
  const first = await decide("Keep claims in memory");
  const second = await decide("Keep claims in PostgreSQL", { supersedes: [first?.id ?? ""] });
  const third = await decide("Keep claims in Redis", { supersedes: [second?.id ?? "", second?.id ?? ""] });
  const other = await decide("Speak gRPC");

  expect((await decisions()).map(({ id }) => id)).toEqual([other?.id, third?.id]);
  const all = await decisions({ includeSuperseded: true });
  expect(all.map(({ title, supersedes, supersededBy }) => [title, supersedes, supersededBy])).toEqual([
    ["Speak gRPC", [], ""],
    ["Keep claims in Redis", [second?.id], ""],
    ["Keep claims in PostgreSQL", [first?.id], third?.id],
    ["Keep claims in memory", [], second?.id],
  ]);
});

test("several decisions are superseded by one, which may concern another scope", async () => {
  const { ready, decide, decisions } = await open();
  await ready("login");
  const [one, two] = [await decide("One", { slug: "login" }), await decide("Two")];

  const both = await decide("Both", { supersedes: [two?.id ?? "", one?.id ?? ""] });

  expect(both?.supersedes).toEqual([one?.id, two?.id]);
  expect(await decisions({ slug: "login" })).toEqual([]);
  expect((await decisions()).map(({ title }) => title)).toEqual(["Both"]);
});

test("what is superseded already is not superseded again: the refusal names what is in force, and nothing is recorded", async () => {
  const { decide, decisions } = await open();
  const first = await decide("First");
  const second = await decide("Second", { supersedes: [first?.id ?? ""] });
  const third = await decide("Third", { supersedes: [second?.id ?? ""] });

  const refusal = await refusalOf(decide("Back to the first", { supersedes: [third?.id ?? "", first?.id ?? ""] }));

  expect(refusal).toMatchObject({ code: "FailedPrecondition", reason: "SUPERSESSION_CYCLE" });
  expect(refusal.detail(SupersessionCycleSchema)).toMatchObject({ decisionId: first?.id, inForceId: third?.id });
  expect((await decisions()).map(({ title, supersedes }) => [title, supersedes])).toEqual([["Third", [second?.id]]]);
});

test("of ten that supersede the same two decisions at once one is recorded", async () => {
  const { decide, decisions } = await open();
  const ids = [(await decide("One"))?.id ?? "", (await decide("Two"))?.id ?? ""];

  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, (_, n) => decide(`Heir ${n}`, { supersedes: n % 2 === 0 ? ids : ids.toReversed() })),
  );

  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await decisions()).toHaveLength(1);
});

test("a decision of another project can't be superseded, and looks like none at all", async () => {
  const { decide, ana } = await open();
  const elsewhere = await ana.projects.createProject({ slug: "elsewhere" });
  const foreign = await ana.knowledge.recordDecision({ projectId: elsewhere.project?.id ?? "", title: "Theirs" });

  const theirs = await refusalOf(decide("Ours", { supersedes: [foreign.decision?.id ?? ""] }));
  const none = await refusalOf(decide("Ours", { supersedes: [randomUUID()] }));

  expect(theirs).toMatchObject({ code: "NotFound", reason: "RESOURCE_NOT_FOUND" });
  expect(theirs.message.replace(foreign.decision?.id ?? "", "")).toBe(
    none.message.replace(none.detail(ResourceInfoSchema)?.resourceName ?? "", ""),
  );
  const { decisions } = await ana.knowledge.listDecisions({ projectId: elsewhere.project?.id ?? "" });
  expect(decisions[0]?.supersededBy).toBe("");
});

test("others see nothing and write nothing; a deleted project takes its knowledge with it", async () => {
  const { nexus, learn, decide, session, ana, projectId } = await open();
  await learn("ours");
  const first = await decide("Ours");
  await decide("Still ours", { supersedes: [first?.id ?? ""] });
  await ana.sessions.saveCheckpoint({ projectId, sessionId: await session(), context: "ours" });
  const ben = await nexus.join("ben");

  for (const call of [
    () => ben.knowledge.listLearnings({ projectId }),
    () => ben.knowledge.listDecisions({ projectId }),
    () => ben.knowledge.searchKnowledge({ projectId, query: "ours" }),
    () => ben.knowledge.addLearning({ projectId, text: "mine" }),
    () => ben.knowledge.recordDecision({ projectId, title: "mine" }),
  ]) {
    expect((await refusalOf(call())).detail(ResourceInfoSchema)?.resourceType).toBe("project");
  }
  await ana.projects.deleteProject({ projectId, confirmSlug: "shop" });
  expect((await refusalOf(ana.knowledge.listLearnings({ projectId }))).reason).toBe("RESOURCE_NOT_FOUND");
});
