import { AgentFleet } from "./agent-fleet.ts";
import type { ToAgent } from "./messages.ts";
import type { PlannedFeature, SkippedFeature } from "./planned-feature.ts";
import { ProgressLine } from "./progress-line.ts";
import type { ReplayOptions } from "./replay-options.ts";
import { createFeatures, createReplayProject, type ReplayProject } from "./replay-project.ts";
import { RunRecord } from "./run-record.ts";
import { serverCpuSeconds } from "./server-cpu.ts";

/** How a replay went. */
export interface ReplayOutcome {
  readonly record: RunRecord;
  /** What was worked on. */
  readonly features: readonly PlannedFeature[];
  readonly skipped: readonly SkippedFeature[];
  /** From the first agent's start to the last one's end. */
  readonly seconds: number;
  /** The server process's own processor time meanwhile; undefined where it does not tell. */
  readonly serverCpuSeconds: number | undefined;
}

/** Where the agents' program is, and what ends the run early. */
export interface ReplaySurroundings {
  readonly agentProgram: string;
  readonly signal: AbortSignal;
}

/**
 * Works through the features with claims: in a project of its own on the server, which is gone afterwards, as are all
 * agents, however the run ends.
 *
 * @throws NexusError, AgentFailedError, and the signal's reason when it is aborted
 */
export async function runWithClaims(
  options: ReplayOptions,
  planned: readonly PlannedFeature[],
  { agentProgram, signal }: ReplaySurroundings,
): Promise<ReplayOutcome> {
  const progress = new ProgressLine();
  const project = await createReplayProject(options.serverUrl, options.apiKey);
  try {
    const show = (ready: number) => progress.show(`creating features: ${ready} of ${planned.length}`);
    const skipped = await untilAborted(createFeatures(project, planned, show, signal), signal);
    const left = new Set(skipped.map(({ id }) => id));
    const features = planned.filter(({ id }) => !left.has(id));
    progress.finish(`created ${features.length} features in the project ${project.slug}`);
    const work = {
      serverUrl: options.serverUrl,
      apiKey: project.apiKey,
      projectId: project.id,
      lookAhead: options.lookAhead,
      agents: options.agents,
      holdMs: new Map(features.map(({ slug, holdMs }) => [slug, holdMs])),
    };
    const run = { agentProgram, signal, agents: options.agents, features, progress };
    const measured = await measure(run, (agent) => ({ kind: "prepare", agent, work }), options.serverUrl);
    return { ...measured, features, skipped };
  } finally {
    progress.clear();
    await removeProject(project);
  }
}

/** Works through the features without asking anybody: whoever is free takes the next one. */
export async function runWithoutClaims(
  options: ReplayOptions,
  features: readonly PlannedFeature[],
  { agentProgram, signal }: ReplaySurroundings,
): Promise<ReplayOutcome> {
  const progress = new ProgressLine();
  try {
    const run = { agentProgram, signal, agents: options.agents, features, progress };
    const measured = await measure(run, (agent) => ({ kind: "prepare", agent, work: undefined }), undefined);
    return { ...measured, features, skipped: [] };
  } finally {
    progress.clear();
  }
}

interface Run extends ReplaySurroundings {
  readonly agents: number;
  readonly features: readonly PlannedFeature[];
  readonly progress: ProgressLine;
}

async function measure(
  { agentProgram, signal, agents, features, progress }: Run,
  prepare: (agent: number) => ToAgent,
  serverUrl: string | undefined,
): Promise<Pick<ReplayOutcome, "record" | "seconds" | "serverCpuSeconds">> {
  const record = new RunRecord();
  const queue = features.values();
  let startedAt = performance.now();
  const fleet = new AgentFleet(agentProgram, agents, (agent, message) => {
    record.add(message);
    if (message.kind === "next") {
      const next = queue.next().value;
      fleet.send(agent, { kind: "hand-out", slug: next?.slug, holdMs: next?.holdMs ?? 0 });
    }
    progress.show(describe(record, features.length, performance.now() - startedAt));
  });
  try {
    await untilAborted(fleet.toAll(prepare, "prepared"), signal);
    const cpuBefore = serverUrl && (await serverCpuSeconds(serverUrl));
    startedAt = performance.now();
    await untilAborted(
      fleet.toAll(() => ({ kind: "begin" }), "finished"),
      signal,
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    const cpuAfter = serverUrl && (await serverCpuSeconds(serverUrl));
    const isKnown = typeof cpuBefore === "number" && typeof cpuAfter === "number" && cpuAfter >= cpuBefore;
    return { record, seconds, serverCpuSeconds: isKnown ? cpuAfter - cpuBefore : undefined };
  } finally {
    await fleet.stop();
  }
}

function describe(record: RunRecord, features: number, elapsedMs: number): string {
  const { holds, inHand, refusalMs } = record;
  const seconds = Math.round(elapsedMs / 1_000);
  return `${holds.length} of ${features} done, ${inHand} in hand, ${refusalMs.length} refusals, ${seconds} s`;
}

async function removeProject(project: ReplayProject): Promise<void> {
  try {
    await project.remove();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`the project ${project.slug} could not be deleted: ${why}\n`);
  } finally {
    project.client.close();
  }
}

/** The step's own end, or the signal's reason as soon as that is aborted. */
async function untilAborted<Result>(step: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([step, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
