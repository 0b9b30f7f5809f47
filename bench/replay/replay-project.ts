import { randomBytes } from "node:crypto";
import { createNexusClient, type NexusClient, NexusError } from "@nexus/client";
import { literalTouch } from "./literal-touch.ts";
import type { PlannedFeature, SkippedFeature } from "./planned-feature.ts";

/** How many features are made ready at a time. */
const CONCURRENCY = 4;
/** How long a call may take on a server that is busy. */
const CALL_TIMEOUT_MS = 30_000;
/** How long the end of a run may wait for its project to be deleted. */
const DELETE_TIMEOUT_MS = 15_000;

/** A project that exists for one replay. */
export interface ReplayProject {
  readonly client: NexusClient;
  readonly apiKey: string;
  readonly id: string;
  readonly slug: string;
  /** Deletes it with everything in it. */
  remove(): Promise<void>;
}

/**
 * Creates a project in which nothing is shared, owned by whose key it is, or by a throw-away engineer who is registered
 * for it.
 *
 * @throws NexusError
 */
export async function createReplayProject(serverUrl: string, givenKey: string | undefined): Promise<ReplayProject> {
  const slug = `replay-${randomBytes(6).toString("hex")}`;
  const apiKey = givenKey ?? (await register(serverUrl, slug));
  const client = createNexusClient({ baseUrl: serverUrl, apiKey, binary: true, timeoutMs: CALL_TIMEOUT_MS });
  // Settings that are there replace the default, also by an empty list.
  const { project } = await client.projects.createProject({ slug, settings: {} });
  const id = project?.id ?? "";
  return {
    client,
    apiKey,
    id,
    slug,
    async remove() {
      await client.projects.deleteProject({ projectId: id, confirmSlug: slug }, { timeoutMs: DELETE_TIMEOUT_MS });
    },
  };
}

async function register(serverUrl: string, name: string): Promise<string> {
  const client = createNexusClient({ baseUrl: serverUrl });
  try {
    const { apiKey } = await client.auth.register({ name, email: `${name}@replay.invalid`, keyName: "replay" });
    return apiKey;
  } finally {
    client.close();
  }
}

/**
 * Creates the features in their order, which becomes that of the queue, and makes them ready. Answers those whose files
 * the server does not take.
 *
 * @param onProgress is told how many are ready
 * @throws NexusError
 */
export async function createFeatures(
  { client, id: projectId }: ReplayProject,
  planned: readonly PlannedFeature[],
  onProgress: (ready: number) => void,
  signal: AbortSignal,
): Promise<SkippedFeature[]> {
  const skipped: SkippedFeature[] = [];
  const underWay = new Set<Promise<void>>();
  let ready = 0;
  const makeReady = async (slug: string) => {
    await client.features.markFeatureReady({ projectId, slug }, { signal });
    ready += 1;
    onProgress(ready);
  };
  for (const { id, slug, files } of planned) {
    const touches = files.map((file) => ({ path: literalTouch(file) }));
    try {
      await client.features.createFeature({ projectId, slug, title: id, touches }, { signal });
    } catch (error) {
      if (!(error instanceof NexusError && error.reason === "PATH_INVALID")) throw error;
      skipped.push({ id, why: error.message });
      continue;
    }
    const step = makeReady(slug).finally(() => underWay.delete(step));
    // Its failure is thrown where it is awaited, perhaps only after the next creation.
    step.catch(() => {});
    underWay.add(step);
    if (underWay.size >= CONCURRENCY) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return skipped;
}
