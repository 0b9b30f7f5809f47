import type { BlockedTouch } from "../claims/claim-store.ts";
import { compileStored } from "../claims/compile-touches.ts";
import { overlap } from "../paths/overlap.ts";
import type { Project } from "../projects/project.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import { type Blocked, ClaimConflictError } from "./feature-errors.ts";
import { holdersOf } from "./holders.ts";
import { listAvailable } from "./list-available.ts";

/** Features that a refusal suggests instead. */
const SUGGESTIONS = 3;

/** The refusal of a pick: everything that stands in its way, and what is free instead. */
export async function conflictOf(
  deps: FeatureDeps,
  project: Project,
  feature: Feature,
  hits: readonly BlockedTouch[],
): Promise<ClaimConflictError> {
  const claims = hits.map((hit) => hit.claim);
  const [holders, free] = await Promise.all([
    holdersOf(deps.database.read, claims),
    listAvailable(deps, project, { size: SUGGESTIONS, after: undefined }, feature),
  ]);
  const { caseSensitive } = project.settings;
  const blocked = hits.flatMap((hit): Blocked[] => {
    const touch = feature.touches[hit.touch];
    const holder = holders.get(hit.claim);
    if (touch === undefined || holder === undefined) return [];
    const witnessPath = overlap(compileStored(touch.path, caseSensitive), compileStored(hit.heldPath, caseSensitive));
    if (witnessPath === undefined) {
      deps.alarm("the claim store refused touches that do not overlap", { touch: touch.path, held: hit.heldPath });
    }
    return [{ touch, heldPath: hit.heldPath, witnessPath: witnessPath ?? "", holder }];
  });
  return new ClaimConflictError(blocked, free.items);
}
