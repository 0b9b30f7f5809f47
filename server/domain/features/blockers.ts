import type { BlockedTouch, ClaimTouch, LiveClaim } from "../claims/claim-store.ts";
import { compileStored, compileTouches } from "../claims/compile-touches.ts";
import { effectiveTouches } from "../claims/effective-touches.ts";
import { HeldTouches } from "../claims/held-touches.ts";
import type { Touch } from "../claims/touch.ts";
import { overlap } from "../paths/overlap.ts";
import type { Project } from "../projects/project.ts";
import type { ClaimAccess } from "../recovery/claim-access.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature, Holder } from "./feature.ts";
import type { Blocked } from "./feature-errors.ts";

/** What is held in a project now. */
export async function heldNow(claims: ClaimAccess, project: Project): Promise<HeldTouches> {
  const { outcome } = await claims.run(project, (store, scope) => store.list(scope));
  return new HeldTouches(outcome.claims, project.settings.caseSensitive);
}

/** A feature's touches as a pick would claim them. */
export function claimedTouches(project: Project, { touches }: Pick<Feature, "touches">): ClaimTouch[] {
  return compileTouches(effectiveTouches(touches, project.settings), project.settings.caseSensitive);
}

/**
 * What stands in the way in the words of a refusal. Claims whose holder is gone meanwhile are left out.
 *
 * @param touches the asked ones, which the hits count by
 */
export function describeBlocked(
  deps: Pick<FeatureDeps, "alarm">,
  project: Project,
  touches: readonly Touch[],
  hits: readonly BlockedTouch[],
  holders: ReadonlyMap<LiveClaim, Holder>,
): Blocked[] {
  const { caseSensitive } = project.settings;
  return hits.flatMap((hit): Blocked[] => {
    const touch = touches[hit.touch];
    const holder = holders.get(hit.claim);
    if (touch === undefined || holder === undefined) return [];
    const witnessPath = overlap(compileStored(touch.path, caseSensitive), compileStored(hit.heldPath, caseSensitive));
    if (witnessPath === undefined) {
      deps.alarm("the claim store refused touches that do not overlap", { touch: touch.path, held: hit.heldPath });
    }
    return [{ touch, heldPath: hit.heldPath, witnessPath: witnessPath ?? "", holder }];
  });
}
