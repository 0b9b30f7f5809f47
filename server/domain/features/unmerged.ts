import type { Caller } from "../caller.ts";
import { conflicting, searchBudget } from "../claims/held-touches.ts";
import { SearchBudgetSpentError, TouchIndex } from "../claims/touch-index.ts";
import { by } from "../events/event.ts";
import type { ProjectId, Slug } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import { claimedTouches } from "./blockers.ts";
import type { UnmergedFeature } from "./choosing-store.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import { StatusTransitionInvalidError } from "./feature-errors.ts";
import { featureEvent, lookOf } from "./feature-event.ts";
import { lockFeature, requireFeature } from "./require-feature.ts";

/** Unmerged features that a pick is compared with, the latest; those that it answers, and paths of each. */
const MAX_COMPARED = 500;
const MAX_ANSWERED = 20;
const MAX_PATHS = 16;

/** Work that is done on another branch, not known to be merged, and in the same files. */
export interface UnmergedOverlap {
  readonly feature: UnmergedFeature;
  /** Those of its touches that overlap. */
  readonly paths: readonly string[];
}

/**
 * What is done on another branch than the holder's, is not marked as merged, and overlaps a feature that was just picked:
 * where the two are merged the conflict would come back. What both only share, such as a lockfile, is none.
 */
export async function unmergedOverlaps(
  deps: Pick<FeatureDeps, "database">,
  project: Project,
  picked: Feature,
): Promise<UnmergedOverlap[]> {
  const { read } = deps.database;
  if (picked.touches.length === 0 || picked.hold === undefined) return [];
  const session = await read.sessions.get(project.id, picked.hold.sessionId);
  const unmerged = await read.choosing.listUnmerged(project.id, session?.branch ?? "", MAX_COMPARED);
  return overlapsAmong(project, picked, unmerged);
}

function overlapsAmong(project: Project, picked: Feature, unmerged: readonly UnmergedFeature[]): UnmergedOverlap[] {
  const index = new TouchIndex<UnmergedFeature>();
  for (const feature of unmerged) index.add(feature, claimedTouches(project, feature));
  const paths = new Map<UnmergedFeature, Set<string>>();
  try {
    for (const { owner, text } of conflicting(index, claimedTouches(project, picked), searchBudget())) {
      paths.set(owner, (paths.get(owner) ?? new Set()).add(text));
    }
  } catch (error) {
    // What was found until then is worth telling; a pick is not refused for the rest.
    if (!(error instanceof SearchBudgetSpentError)) throw error;
  }
  return unmerged
    .filter((feature) => paths.has(feature))
    .slice(0, MAX_ANSWERED)
    .map((feature) => ({ feature, paths: [...(paths.get(feature) ?? [])].slice(0, MAX_PATHS) }));
}

/**
 * Notes that a completed feature's work is in the main branch. Noting it again changes nothing.
 *
 * @throws StatusTransitionInvalidError when it is not done
 */
export async function markFeatureMerged(
  deps: FeatureDeps,
  caller: Caller,
  { projectId, slug }: { readonly projectId: ProjectId; readonly slug: Slug },
): Promise<Feature> {
  await requireMember(deps.database.read, projectId, caller.engineerId);
  return deps.database.mutate(caller.request, async (tx) => {
    const feature = await lockFeature(tx, projectId, slug);
    if (feature.status !== "done") {
      const why = `${slug} is ${feature.status}: only what is done can be marked as merged`;
      throw new StatusTransitionInvalidError(slug, feature.status, "done", why);
    }
    if (feature.mergedTime !== undefined) return feature;
    const time = deps.clock.now();
    await tx.features.markMerged(feature.id, time);
    const happened = { change: "updated", from: "done", to: "done", after: lookOf(feature) } as const;
    tx.events.append(featureEvent({ ...by(caller), projectId, slug, time }, happened));
    return requireFeature(tx, projectId, slug);
  });
}
