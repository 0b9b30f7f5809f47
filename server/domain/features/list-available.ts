import type { Slug } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Project } from "../projects/project.ts";
import { claimedTouches, describeBlocked, heldNow } from "./blockers.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import type { Blocked } from "./feature-errors.ts";
import type { FeatureListKey } from "./feature-store.ts";
import { holdersOf } from "./holders.ts";
import { unmetAmong } from "./unmet-dependencies.ts";

/** Candidates that are read together. */
const BATCH = 100;
/** Candidates that one call looks at in all; where none of them is free the page ends and the token goes on. */
const MAX_CANDIDATES = 1_000;
/** Holds that one blocked feature is shown with. */
const MAX_BLOCKED = 16;

/** A ready feature that can't be picked now. */
export interface BlockedFeature {
  readonly feature: Feature;
  /** At most 16. */
  readonly blocked: readonly Blocked[];
  readonly omitted: number;
  /** Dependencies that are not done. */
  readonly unmet: readonly Slug[];
}

/** A page of features that could be picked now, and of those that can't, where asked for. */
export interface ReadyPage extends Page<Feature, FeatureListKey> {
  readonly blocked: readonly BlockedFeature[];
}

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
  const held = await heldNow(deps.claims, project);
  const items: Feature[] = [];
  let { after } = page;
  for (let seen = 0; seen < MAX_CANDIDATES; seen += BATCH) {
    const candidates = await deps.database.read.features.listReady(project.id, { size: BATCH, after });
    for (const feature of candidates.items) {
      // After a forced release a feature's own claim has to drain before anybody picks it again.
      if (feature.id === skip?.id || held.isHeld(feature.id)) continue;
      if (!held.isFree(claimedTouches(project, feature))) continue;
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

/** A page of all ready features: those that could be picked now, and the others with what stands in their way. */
export async function listReady(
  deps: Pick<FeatureDeps, "database" | "claims" | "alarm">,
  project: Project,
  page: PageRequest<FeatureListKey>,
): Promise<ReadyPage> {
  const { read } = deps.database;
  const [{ items: ready, next }, held, dependencies] = await Promise.all([
    read.features.list(project.id, { statuses: ["ready"], lanes: [], unmerged: false }, page),
    heldNow(deps.claims, project),
    read.roadmap.dependencies(project.id, false),
  ]);
  const unmet = unmetAmong(dependencies);
  // Which are free is told first, since that takes little: what all the others wait for may be too much to be compared.
  const free = new Set(
    ready.filter(({ id, touches }) => {
      return !unmet.has(id) && !held.isHeld(id) && held.isFree(claimedTouches(project, { touches }));
    }),
  );
  const items = ready.filter((feature) => free.has(feature));
  const waiting = ready
    .filter((feature) => !free.has(feature))
    .map((feature) => ({
      feature,
      hits: held.blocking(claimedTouches(project, feature), Number.POSITIVE_INFINITY) ?? [],
    }));
  const holders = await holdersOf(
    read,
    waiting.flatMap(({ hits }) => hits.slice(0, MAX_BLOCKED).map((hit) => hit.claim)),
  );
  const blocked = waiting.map(({ feature, hits }) => ({
    feature,
    blocked: describeBlocked(deps, project, feature.touches, hits.slice(0, MAX_BLOCKED), holders),
    omitted: Math.max(0, hits.length - MAX_BLOCKED),
    unmet: unmet.get(feature.id) ?? [],
  }));
  return { items, blocked, next };
}

function keyOf(feature: Feature): FeatureListKey {
  return { lane: feature.lane, position: feature.position, id: feature.id };
}
