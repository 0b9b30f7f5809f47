import { setTimeout as pause } from "node:timers/promises";
import { type NexusClient, NexusError } from "@nexus/client";
import { serverCpuSeconds } from "../replay/server-cpu.ts";
import { fillProject, openSessions, type Planned } from "./fill-project.ts";

/** How long an agent that got nothing waits before it asks again. */
const WAIT_MS = 500;

/** How fast agents got through a queue. */
export interface QueueResult {
  readonly features: number;
  readonly seconds: number;
  /** Of each answer to PickNextFeature, in milliseconds. */
  readonly pickMs: readonly number[];
  readonly nothingMs: readonly number[];
  readonly serverCpuSeconds: number | undefined;
}

/**
 * Lets so many agents take the next feature, and complete it at once, until all are done.
 *
 * @throws Error when a feature was given twice
 */
export async function measureQueue(
  client: NexusClient,
  serverUrl: string,
  planned: readonly Planned[],
  agents: number,
): Promise<QueueResult> {
  const projectId = await fillProject(client, planned);
  const sessions = await openSessions(client, projectId, agents);
  const pickMs: number[] = [];
  const nothingMs: number[] = [];
  const given = new Set<string>();
  const cpuBefore = await serverCpuSeconds(serverUrl);
  const startedAt = performance.now();
  await Promise.all(
    sessions.map(async (sessionId) => {
      while (given.size < planned.length) {
        const sent = performance.now();
        try {
          const { feature, claim } = await client.features.pickNextFeature({ projectId, sessionId });
          pickMs.push(performance.now() - sent);
          const slug = feature?.slug ?? "";
          if (given.has(slug)) throw new Error(`${slug} was given twice`);
          given.add(slug);
          const fencingToken = claim?.fencingToken ?? 0n;
          await client.features.completeFeature({ projectId, slug, sessionId, fencingToken });
        } catch (error) {
          if (!(error instanceof NexusError && error.reason === "NOTHING_AVAILABLE")) throw error;
          nothingMs.push(performance.now() - sent);
          await pause(WAIT_MS * (0.5 + Math.random()));
        }
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuAfter = await serverCpuSeconds(serverUrl);
  const serverCpu = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  return { features: planned.length, seconds, pickMs, nothingMs, serverCpuSeconds: serverCpu };
}
