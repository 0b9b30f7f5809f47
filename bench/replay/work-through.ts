import { setTimeout as pause } from "node:timers/promises";
import { createNexusClient, type NexusClient, NexusError } from "@nexus/client";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { holdFeature } from "./hold-feature.ts";
import type { ClaimedWork, FromAgent } from "./messages.ts";
import { pickFirstFree } from "./pick-first-free.ts";

/** How long an agent that found nothing free waits before it looks again: at first, and at most. */
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 160;
/** The most that the server takes: it may be busy with seven others. */
const CALL_TIMEOUT_MS = 30_000;

/** An agent with an open session, about to work. */
export interface PreparedAgent {
  /** Picks, holds and completes features until none is ready and none active; throws NexusErrors. */
  work(): Promise<void>;
  close(): void;
}

/** Opens a session for the agent, so that starting up is no part of what is measured. */
export async function prepareAgent(
  agent: number,
  work: ClaimedWork,
  report: (message: FromAgent) => void,
): Promise<PreparedAgent> {
  const client = createNexusClient({
    baseUrl: work.serverUrl,
    apiKey: work.apiKey,
    binary: true,
    timeoutMs: CALL_TIMEOUT_MS,
  });
  const { projectId } = work;
  const { session } = await client.sessions.openSession({
    projectId,
    clientSessionId: `replay-${agent}`,
    agent: `replay-${agent}`,
  });
  const sessionId = session?.id ?? "";

  async function pick(slug: string) {
    const sent = performance.now();
    try {
      const answer = await client.features.pickFeature({ projectId, slug, sessionId });
      // The hold begins when the answer is there, before anything else is done with it.
      const held = holdFeature(slug, agent, work.holdMs.get(slug) ?? 0);
      report({ kind: "picked", latencyMs: performance.now() - sent });
      return { slug, held, fencingToken: answer.claim?.fencingToken ?? 0n };
    } catch (error) {
      if (error instanceof NexusError) report({ kind: "refused", latencyMs: performance.now() - sent });
      throw error;
    }
  }

  return {
    async work() {
      for (let waitMs = FIRST_WAIT_MS; ; ) {
        const { ready, finished } = await readQueue(client, work);
        if (finished) break;
        const picked = await pickFirstFree(ready, pick);
        if (picked === undefined) {
          await pause(waitMs * (0.5 + Math.random()));
          waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
          continue;
        }
        waitMs = FIRST_WAIT_MS;
        const { slug, fencingToken } = picked;
        const hold = await picked.held;
        await client.features.completeFeature({ projectId, slug, sessionId, fencingToken });
        report({ kind: "done", hold });
      }
      await client.sessions.closeSession({ projectId, sessionId });
    },
    close: () => client.close(),
  };
}

async function readQueue(
  { features }: NexusClient,
  { projectId, lookAhead, agents }: ClaimedWork,
): Promise<{ readonly ready: readonly string[]; readonly finished: boolean }> {
  // Active ones stand between the ready ones: one for each agent at most, so the page reaches far enough.
  const answer = await features.listFeatures({
    projectId,
    statuses: [FeatureStatus.READY, FeatureStatus.ACTIVE],
    pageSize: lookAhead + agents,
  });
  const ready = answer.features.filter(({ status }) => status === FeatureStatus.READY).map(({ slug }) => slug);
  return { ready: ready.slice(0, lookAhead), finished: answer.features.length === 0 };
}
