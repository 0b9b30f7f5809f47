import type { BlockedTouch } from "../claims/claim-store.ts";
import { compileTouches } from "../claims/compile-touches.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Project } from "../projects/project.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import type { FeatureListKey } from "./feature-store.ts";

/** Candidates that are looked at together. */
const BATCH = 25;
/** Candidates that one call looks at in all; where none of them is free the page ends and the token goes on. */
const MAX_CANDIDATES = 500;

/**
 * Features that could be picked now: ready, dependencies done, every touch free; in the order of work. It reserves
 * nothing, so a feature may be taken before its caller picks it.
 *
 * @param skip a feature to leave out
 */
export async function listAvailable(
  deps: Pick<FeatureDeps, "database" | "claims">,
  project: Project,
  page: PageRequest<FeatureListKey>,
  skip?: Feature,
): Promise<Page<Feature, FeatureListKey>> {
  const items: Feature[] = [];
  let { after } = page;
  for (let seen = 0; seen < MAX_CANDIDATES; seen += BATCH) {
    const candidates = await deps.database.read.features.listReady(project.id, { size: BATCH, after });
    const free = await freeAmong(deps, project, candidates.items);
    for (const feature of free) {
      if (feature.id === skip?.id) continue;
      items.push(feature);
      if (items.length === page.size) {
        const last = feature === candidates.items.at(-1) && candidates.next === undefined;
        return { items, next: last ? undefined : keyOf(feature) };
      }
    }
    after = candidates.next;
    if (after === undefined) return { items, next: undefined };
  }
  return { items, next: after };
}

async function freeAmong(
  deps: Pick<FeatureDeps, "claims">,
  project: Project,
  candidates: readonly Feature[],
): Promise<Feature[]> {
  const blocked = new Set<Feature>();
  const owners = candidates.flatMap((feature) => feature.touches.map(() => feature));
  const touches = candidates.flatMap((feature) => compileTouches(feature.touches, project.settings.caseSensitive));
  if (touches.length > 0) {
    const patterns = touches.map((t) => t.pattern);
    const { outcome } = await deps.claims.run(project, (store, scope) => store.check(scope, patterns));
    // Too much to compare at once says nothing of any of them: suggest none rather than a wrong one.
    if (outcome.kind === "too-broad") return [];
    for (const hit of outcome.held) {
      const feature = owners[hit.touch];
      if (feature !== undefined && standsInTheWay(hit)) blocked.add(feature);
    }
  }
  return candidates.filter((feature) => !blocked.has(feature));
}

function standsInTheWay(hit: BlockedTouch): boolean {
  // A lapsed holder is expired by whoever picks next, so it keeps nobody from picking.
  return !hit.claim.sessionExpired;
}

function keyOf(feature: Feature): FeatureListKey {
  return { lane: feature.lane, position: feature.position, id: feature.id };
}
