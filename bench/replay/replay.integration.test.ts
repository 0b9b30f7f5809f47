import { expect, onTestFinished, test } from "vitest";
import { startNexus } from "../../server/testing/start-nexus.ts";
import { literalTouch } from "./literal-touch.ts";
import { findOverlappingHolds } from "./overlapping-holds.ts";
import { planFeatures } from "./planned-feature.ts";
import { createFeatures, createReplayProject } from "./replay-project.ts";
import { RunRecord } from "./run-record.ts";
import { prepareAgent } from "./work-through.ts";

async function openProject() {
  const { url } = await startNexus("embedded");
  const project = await createReplayProject(url, undefined);
  onTestFinished(() => project.client.close());
  return { url, project };
}

/** A file with an odd name, and a path that the name would match or cover if it were read as a pattern. */
const ODD_NAMES: readonly (readonly [file: string, other: string])[] = [
  ["src/plain name.ts", "src/plain"],
  ["app/[id]/page.tsx", "app/i/page.tsx"],
  ["app/[...slug]/(group)/@modal.tsx", "app/s/(group)/@modal.tsx"],
  ["lib/cast$expr+!#.js", "lib/cast"],
  ["docs/what?.md", "docs/whats.md"],
  ["docs/*.md", "docs/a.md"],
  ["docs/**", "docs/b.md"],
  ["gen/{a,b}.ts", "gen/a.ts"],
  ["gen/{one}.ts", "gen/one.ts"],
  ["gen/{open.ts", "gen/open.ts"],
  ["gen/{x,[y]\\*.ts", "gen/x"],
  ["odd/back\\slash.ts", "odd/backslash.ts"],
  ["glob:[ab].ts", "a.ts"],
];

test("a touch covers the file of exactly that name, whatever characters it has", async () => {
  const { project } = await openProject();
  const { features, sessions, claims } = project.client;
  const { session } = await sessions.openSession({ projectId: project.id, agent: "test" });
  const history = ODD_NAMES.map(([file], index) => ({ id: `odd ${index}`, files: [file], lines: 1 }));
  const { planned } = planFeatures(history, 1);

  expect(await createFeatures(project, planned, () => {}, new AbortController().signal)).toEqual([]);

  for (const [index, [file, other]] of ODD_NAMES.entries()) {
    const of = { projectId: project.id, slug: `odd-${index}`, sessionId: session?.id ?? "" };
    const { claim } = await features.pickFeature(of);
    const checked = await claims.checkPaths({ projectId: project.id, paths: [file, other].map(literalTouch) });
    expect(checked.paths.map(({ holder }) => holder?.featureSlug)).toEqual([of.slug, undefined]);
    await features.completeFeature({ ...of, fencingToken: claim?.fencingToken ?? 0n });
  }
});

test("a feature whose files the server does not take is left out, with the reason", async () => {
  const { project } = await openProject();
  const history = [".git/config", "fine.ts"].map((file) => ({ id: file, files: [file], lines: 1 }));
  let ready = 0;
  const show = (count: number) => {
    ready = count;
  };

  const skipped = await createFeatures(project, planFeatures(history, 1).planned, show, new AbortController().signal);

  expect(skipped).toEqual([{ id: ".git/config", why: expect.stringContaining(".git") }]);
  expect(ready).toBe(1);
});

test("agents work through a whole project: every feature once, no file in two hands", async () => {
  const { url, project } = await openProject();
  const history = Array.from({ length: 16 }, (_, index) => ({
    id: `#${index}`,
    files: [`src/own-${index}.ts`, `src/shared-${index % 2}.ts`, ...(index % 5 === 0 ? ["src/hot.ts"] : [])],
    lines: 100,
  }));
  const { planned } = planFeatures(history, 1);
  await createFeatures(project, planned, () => {}, new AbortController().signal);
  const record = new RunRecord();
  const work = {
    serverUrl: url,
    apiKey: project.apiKey,
    projectId: project.id,
    lookAhead: 6,
    agents: 4,
    holdMs: new Map(planned.map(({ slug, holdMs }) => [slug, holdMs])),
  };

  const agents = await Promise.all([1, 2, 3, 4].map((agent) => prepareAgent(agent, work, (said) => record.add(said))));
  await Promise.all(agents.map((agent) => agent.work()));
  for (const agent of agents) agent.close();

  expect(record.notHeldOnce(planned.map(({ slug }) => slug))).toEqual([]);
  const files = new Map(planned.map(({ slug, files }) => [slug, files]));
  expect(findOverlappingHolds(record.holds, (slug) => files.get(slug) ?? [])).toEqual([]);
  expect(record.refusalMs.length).toBeGreaterThan(0);
  await project.remove();
  await expect(project.client.projects.getProject({ projectId: project.id })).rejects.toMatchObject({
    reason: "RESOURCE_NOT_FOUND",
  });
});
