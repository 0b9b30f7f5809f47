import { compileTouches } from "../claims/compile-touches.ts";
import { effectiveTouches } from "../claims/effective-touches.ts";
import type { HeldTouches } from "../claims/held-touches.ts";
import type { FeatureOutline } from "../features/feature-store.ts";
import type { FeatureId, Slug } from "../ids.ts";
import type { Project } from "./project.ts";

const MAX_PATHS = 10;
const MAX_HELD_FOR = 5;
/** What fewer features name is not hot. */
const HOT = 2;

/** A path that several open features name. */
export interface HotPath {
  readonly path: string;
  readonly features: number;
  /** Features that hold something that overlaps it. */
  readonly heldFor: readonly Slug[];
}

/** The paths that most of these features name exclusively, the hottest first, in the spelling of the first of them. */
export function hottestPaths(
  project: Project,
  features: readonly FeatureOutline[],
  held: HeldTouches,
  slugs: ReadonlyMap<FeatureId, Slug>,
): HotPath[] {
  const { caseSensitive } = project.settings;
  const named = new Map<string, { readonly path: string; features: number }>();
  for (const { touches } of features) {
    // A feature that names a path in two spellings is one feature all the same.
    const keys = new Set<string>();
    for (const { path, mode } of effectiveTouches(touches, project.settings)) {
      if (mode === "shared") continue;
      const key = caseSensitive ? path : path.toLowerCase();
      if (keys.has(key)) continue;
      keys.add(key);
      const entry = named.get(key) ?? { path, features: 0 };
      entry.features += 1;
      named.set(key, entry);
    }
  }
  return [...named.values()]
    .filter((entry) => entry.features >= HOT)
    .sort((a, b) => b.features - a.features)
    .slice(0, MAX_PATHS)
    .map((entry) => {
      const hits = held.blocking(compileTouches([{ path: entry.path, mode: "exclusive" }], caseSensitive), 64) ?? [];
      const heldFor = new Set(hits.flatMap((hit) => slugs.get(hit.claim.featureId) ?? []));
      return { ...entry, heldFor: [...heldFor].slice(0, MAX_HELD_FOR) };
    });
}
