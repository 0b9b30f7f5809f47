import type { Caller } from "../caller.ts";
import { eventCursorOf } from "../events/read-events.ts";
import type { ProjectId, Slug } from "../ids.ts";
import type { CursorPage, PageRequest } from "../page.ts";
import { requireMember } from "../projects/require-member.ts";
import type { FeatureDeps } from "./deps.ts";
import type { FeatureView } from "./feature.ts";
import type { FeatureFilter, FeatureListKey } from "./feature-store.ts";
import { viewFeature, viewFeatures } from "./holders.ts";
import { listAvailable, listReady, type ReadyPage } from "./list-available.ts";
import { requireFeature } from "./require-feature.ts";

/** One feature, as a member sees it. */
export async function findFeature(
  deps: FeatureDeps,
  caller: Caller,
  { projectId, slug }: { readonly projectId: ProjectId; readonly slug: Slug },
): Promise<FeatureView> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  return viewFeature(deps.claims, project, await requireFeature(deps.database.read, projectId, slug));
}

/** Features in the order of work. */
export async function listFeatures(
  deps: FeatureDeps,
  caller: Caller,
  projectId: ProjectId,
  filter: FeatureFilter,
  page: PageRequest<FeatureListKey>,
): Promise<CursorPage<FeatureView, FeatureListKey>> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  const { items, next, eventCursor } = await deps.database.snapshot(async (read) => ({
    ...(await read.features.list(projectId, filter, page)),
    eventCursor: await eventCursorOf(read, projectId),
  }));
  return { items: await viewFeatures(deps.claims, project, items), next, eventCursor };
}

/** Features that a member could pick now. */
export async function listAvailableFeatures(
  deps: FeatureDeps,
  caller: Caller,
  projectId: ProjectId,
  page: PageRequest<FeatureListKey>,
): Promise<ReadyPage> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  return { ...(await listAvailable(deps, project, page)), blocked: [] };
}

/** Every ready feature: those that a member could pick now, and the others with what stands in their way. */
export async function listReadyFeatures(
  deps: FeatureDeps,
  caller: Caller,
  projectId: ProjectId,
  page: PageRequest<FeatureListKey>,
): Promise<ReadyPage> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  return listReady(deps, project, page);
}
