import type { Caller } from "../caller.ts";
import type { ProjectId, Slug } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import { requireMember } from "../projects/require-member.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature, FeatureView } from "./feature.ts";
import type { FeatureFilter, FeatureListKey } from "./feature-store.ts";
import { viewFeature, viewFeatures } from "./holders.ts";
import { listAvailable } from "./list-available.ts";
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
): Promise<Page<FeatureView, FeatureListKey>> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  const { items, next } = await deps.database.read.features.list(projectId, filter, page);
  return { items: await viewFeatures(deps.claims, project, items), next };
}

/** Features that a member could pick now. */
export async function listAvailableFeatures(
  deps: FeatureDeps,
  caller: Caller,
  projectId: ProjectId,
  page: PageRequest<FeatureListKey>,
): Promise<Page<Feature, FeatureListKey>> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  return listAvailable(deps, project, page);
}
