import type { Stores } from "../database.ts";
import { ResourceNotFoundError } from "../errors.ts";
import type { FeatureId, ProjectId, Slug } from "../ids.ts";
import type { Feature } from "./feature.ts";

/** @throws ResourceNotFoundError when the project has no such feature */
export async function requireFeature(
  stores: Pick<Stores, "features">,
  projectId: ProjectId,
  slug: Slug,
): Promise<Feature> {
  return found(await stores.features.get(projectId, slug), slug);
}

/** The same, locked until the transaction ends. */
export async function lockFeature(
  stores: Pick<Stores, "features">,
  projectId: ProjectId,
  slug: Slug,
): Promise<Feature> {
  return found(await stores.features.getLocked(projectId, slug), slug);
}

/**
 * The ids of these features, in their order.
 *
 * @throws ResourceNotFoundError naming the first that does not exist
 */
export async function requireFeatureIds(
  stores: Pick<Stores, "features">,
  projectId: ProjectId,
  slugs: readonly Slug[],
): Promise<FeatureId[]> {
  const ids = await stores.features.findIds(projectId, slugs);
  return [...new Set(slugs)].map((slug) => {
    const id = ids.get(slug);
    if (id === undefined) throw notFound(slug);
    return id;
  });
}

function found(feature: Feature | undefined, slug: Slug): Feature {
  if (feature === undefined) throw notFound(slug);
  return feature;
}

function notFound(slug: Slug): ResourceNotFoundError {
  return new ResourceNotFoundError("feature", slug, "'nexus feature list' shows all");
}
