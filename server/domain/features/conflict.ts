import type { BlockedTouch } from "../claims/claim-store.ts";
import type { Touch } from "../claims/touch.ts";
import type { Project } from "../projects/project.ts";
import { describeBlocked } from "./blockers.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import { ClaimConflictError } from "./feature-errors.ts";
import { holdersOf } from "./holders.ts";
import { listAvailable } from "./list-available.ts";

/** Features that a refusal suggests. */
const FIRST_FEW = { size: 3, after: undefined };

/**
 * The refusal of a pick or an extension: everything that stands in its way, and what is free instead.
 *
 * @param touches the asked ones, which the hits count by
 * @param insteadOf the feature that was to be picked; undefined where nobody needs to hear of others: an extension, whose
 *   session can't pick another one, and a choice that goes on by itself
 */
export async function conflictOf(
  deps: FeatureDeps,
  project: Project,
  touches: readonly Touch[],
  hits: readonly BlockedTouch[],
  insteadOf?: Feature,
): Promise<ClaimConflictError> {
  const claims = hits.map((hit) => hit.claim);
  const [holders, free] = await Promise.all([
    holdersOf(deps.database.read, claims),
    insteadOf === undefined ? undefined : listAvailable(deps, project, FIRST_FEW, insteadOf),
  ]);
  return new ClaimConflictError(describeBlocked(deps, project, touches, hits, holders), free?.items);
}
