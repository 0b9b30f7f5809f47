import type { FeatureId, Slug } from "../ids.ts";
import type { FeatureReference } from "./feature-store.ts";

/** Of each feature that has any: its dependencies that are not done. */
export function unmetAmong(
  dependencies: ReadonlyMap<FeatureId, readonly FeatureReference[]>,
): Map<FeatureId, readonly Slug[]> {
  const unmet = new Map<FeatureId, readonly Slug[]>();
  for (const [id, references] of dependencies) {
    const open = references.filter(({ status }) => status !== "done").map(({ slug }) => slug);
    if (open.length > 0) unmet.set(id, open);
  }
  return unmet;
}
