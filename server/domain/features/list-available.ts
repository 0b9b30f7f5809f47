import type { BlockedTouch } from "../claims/claim-store.ts";
import { compileTouches } from "../claims/compile-touches.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Pattern } from "../paths/pattern.ts";
import type { Project } from "../projects/project.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import type { FeatureListKey } from "./feature-store.ts";

/** Candidates that are looked at together. */
const BATCH = 25;
/** Candidates that one call looks at in all; where none of them is free the page ends and the token goes on. */
const MAX_CANDIDATES = 500;
/** Alternatives that are compared in one step of the claim store. */
const BATCH_ALTERNATIVES = 250;

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
  const asked = candidates.map((feature) => ({
    feature,
    patterns: compileTouches(feature.touches, project.settings.caseSensitive).map((touch) => touch.pattern),
  }));
  const blocked = new Set<Feature>();
  for (const batch of batchesOf(asked)) await checkBatch(deps, project, batch, blocked);
  return candidates.filter((feature) => !blocked.has(feature));
}

interface Asked {
  readonly feature: Feature;
  readonly patterns: readonly Pattern[];
}

/** As many features together as are compared quickly, at least one. */
function batchesOf(asked: readonly Asked[]): Asked[][] {
  const batches: Asked[][] = [];
  let room = 0;
  for (const one of asked) {
    if (one.patterns.length === 0) continue;
    const size = one.patterns.reduce((sum, pattern) => sum + pattern.alternatives.length, 0);
    const batch = batches.at(-1);
    if (batch === undefined || size > room) {
      batches.push([one]);
      room = BATCH_ALTERNATIVES - size;
    } else {
      batch.push(one);
      room -= size;
    }
  }
  return batches;
}

async function checkBatch(
  deps: Pick<FeatureDeps, "claims">,
  project: Project,
  batch: readonly Asked[],
  blocked: Set<Feature>,
): Promise<void> {
  const owners = batch.flatMap(({ feature, patterns }) => patterns.map(() => feature));
  const patterns = batch.flatMap((one) => one.patterns);
  const { outcome } = await deps.claims.run(project, (store, scope) => store.check(scope, patterns));
  if (outcome.kind === "checked") {
    for (const hit of outcome.held) {
      const feature = owners[hit.touch];
      if (feature !== undefined && standsInTheWay(hit)) blocked.add(feature);
    }
  } else if (batch.length > 1) {
    for (const one of batch) await checkBatch(deps, project, [one], blocked);
  } else {
    // Too broad to be compared is too broad to be picked.
    for (const { feature } of batch) blocked.add(feature);
  }
}

function standsInTheWay(hit: BlockedTouch): boolean {
  // A lapsed holder is expired by whoever picks next, so it keeps nobody from picking.
  return !hit.claim.sessionExpired;
}

function keyOf(feature: Feature): FeatureListKey {
  return { lane: feature.lane, position: feature.position, id: feature.id };
}
