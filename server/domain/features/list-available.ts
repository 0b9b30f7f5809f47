import type { BlockedTouch, ClaimMode, ClaimTouch } from "../claims/claim-store.ts";
import { compileTouches } from "../claims/compile-touches.ts";
import { effectiveTouches } from "../claims/effective-touches.ts";
import type { Page, PageRequest } from "../page.ts";
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
  // After a forced release a feature's own claim has to drain before anybody picks it again.
  const draining = await deps.database.read.claims.listDraining(project.id, MAX_CANDIDATES);
  const out = new Set([skip?.id, ...draining.map((claim) => claim.featureId)]);
  const items: Feature[] = [];
  let { after } = page;
  for (let seen = 0; seen < MAX_CANDIDATES; seen += BATCH) {
    const candidates = await deps.database.read.features.listReady(project.id, { size: BATCH, after });
    const free = await freeAmong(deps, project, candidates.items);
    for (const feature of free) {
      if (out.has(feature.id)) continue;
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
    touches: compileTouches(effectiveTouches(feature.touches, project.settings), project.settings.caseSensitive),
  }));
  const blocked = new Set<Feature>();
  for (const batch of batchesOf(asked)) await checkBatch(deps, project, batch, blocked);
  return candidates.filter((feature) => !blocked.has(feature));
}

interface Asked {
  readonly feature: Feature;
  readonly touches: readonly ClaimTouch[];
}

/** As many features together as are compared quickly, at least one. */
function batchesOf(asked: readonly Asked[]): Asked[][] {
  const batches: Asked[][] = [];
  let room = 0;
  for (const one of asked) {
    if (one.touches.length === 0) continue;
    const size = one.touches.reduce((sum, { pattern }) => sum + pattern.alternatives.length, 0);
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
  const asked = batch.flatMap(({ feature, touches }) => touches.map((touch) => ({ feature, ...touch })));
  const patterns = asked.map((touch) => touch.pattern);
  const { outcome } = await deps.claims.run(project, (store, scope) => store.check(scope, patterns));
  if (outcome.kind === "checked") {
    for (const hit of outcome.held) {
      const touch = asked[hit.touch];
      if (touch !== undefined && standsInTheWay(hit, touch.mode)) blocked.add(touch.feature);
    }
  } else if (batch.length > 1) {
    for (const one of batch) await checkBatch(deps, project, [one], blocked);
  } else {
    // Too broad to be compared is too broad to be picked.
    for (const { feature } of batch) blocked.add(feature);
  }
}

function standsInTheWay(hit: BlockedTouch, mode: ClaimMode): boolean {
  if (mode === "shared" && hit.heldMode === "shared") return false;
  // A lapsed holder is expired by whoever picks next, so it keeps nobody from picking.
  return !hit.claim.sessionExpired;
}

function keyOf(feature: Feature): FeatureListKey {
  return { lane: feature.lane, position: feature.position, id: feature.id };
}
