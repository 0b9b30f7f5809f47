import { randomBytes } from "node:crypto";
import type { NexusClient } from "@nexus/client";

/** A feature as a benchmark plans it. */
export interface Planned {
  readonly slug: string;
  readonly paths: readonly string[];
  readonly dependsOn?: readonly string[];
}

/** Creates a project without shared paths and with these features, ready and in this order; answers its id. */
export async function fillProject(client: NexusClient, planned: readonly Planned[]): Promise<string> {
  const slug = `bench-${randomBytes(6).toString("hex")}`;
  const { project } = await client.projects.createProject({ slug, settings: {} });
  const projectId = project?.id ?? "";
  for (const feature of planned) {
    const touches = feature.paths.map((path) => ({ path }));
    const dependsOn = [...(feature.dependsOn ?? [])];
    await client.features.createFeature({ projectId, slug: feature.slug, title: feature.slug, touches, dependsOn });
    await client.features.markFeatureReady({ projectId, slug: feature.slug });
  }
  return projectId;
}

/** Opens so many sessions; answers their ids. */
export async function openSessions(client: NexusClient, projectId: string, count: number): Promise<string[]> {
  const opened = Array.from({ length: count }, async (_, index) => {
    const { session } = await client.sessions.openSession({ projectId, clientSessionId: `agent-${index}` });
    return session?.id ?? "";
  });
  return Promise.all(opened);
}
