import type { BlockedTouch } from "../claims/claim-store.ts";
import { compileStored } from "../claims/compile-touches.ts";
import type { Touch } from "../claims/touch.ts";
import { overlap } from "../paths/overlap.ts";
import type { Project } from "../projects/project.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import { type Blocked, ClaimConflictError } from "./feature-errors.ts";
import { holdersOf } from "./holders.ts";
import { listAvailable } from "./list-available.ts";

/** Features that a refusal suggests instead. */
const FIRST_FEW = { size: 3, after: undefined };

/**
 * The refusal of a pick or an extension: everything that stands in its way, and what is free instead.
 *
 * @param touches the asked ones, which the hits count by
 * @param insteadOf the feature that was to be picked; undefined for an extension, whose session can't pick another one
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
  const { caseSensitive } = project.settings;
  const blocked = hits.flatMap((hit): Blocked[] => {
    const touch = touches[hit.touch];
    const holder = holders.get(hit.claim);
    if (touch === undefined || holder === undefined) return [];
    const witnessPath = overlap(compileStored(touch.path, caseSensitive), compileStored(hit.heldPath, caseSensitive));
    if (witnessPath === undefined) {
      deps.alarm("the claim store refused touches that do not overlap", { touch: touch.path, held: hit.heldPath });
    }
    return [{ touch, heldPath: hit.heldPath, witnessPath: witnessPath ?? "", holder }];
  });
  return new ClaimConflictError(blocked, free?.items);
}
