import type { FeatureId } from "../ids.ts";
import type { BlockedTouch, ClaimMode, ClaimTouch, ListedClaim } from "./claim-store.ts";
import { compileTouches } from "./compile-touches.ts";
import { type IndexedTouch, type SearchBudget, SearchBudgetSpentError, TouchIndex } from "./touch-index.ts";

/** Comparisons for everything that one call asks, and their steps: tens of milliseconds at the very most. */
const MAX_CANDIDATES = 1_000_000;
const MAX_STEPS = 5_000_000;

/**
 * What is held in a project, as one answer of the claim store has it, to be compared with many features. It decides
 * nothing: it tells what to offer, and the claim store decides when that is picked.
 */
export class HeldTouches {
  private readonly index = new TouchIndex<ListedClaim>();
  private readonly features = new Set<FeatureId>();
  private readonly budget = searchBudget();

  constructor(claims: readonly ListedClaim[], caseSensitive: boolean) {
    for (const claim of claims) {
      // A lapsed holder is expired by whoever picks next, so it keeps nobody from trying.
      if (claim.sessionExpired) continue;
      this.features.add(claim.featureId);
      this.index.add(claim, compileTouches(claim.touches, caseSensitive));
    }
  }

  /** Whether a claim of the feature itself is live: it is being picked, or what it was held by still drains. */
  isHeld(featureId: FeatureId): boolean {
    return this.features.has(featureId);
  }

  /** Whether nothing stands in the way of these touches; what is too much to be compared counts as in the way. */
  isFree(touches: readonly ClaimTouch[]): boolean {
    return this.blocking(touches, 1)?.length === 0;
  }

  /**
   * What stands in the way of these touches: each touch with each claim once, at most `limit`. Undefined when it is too
   * much to be compared.
   */
  blocking(touches: readonly ClaimTouch[], limit: number): BlockedTouch[] | undefined {
    const blocked: BlockedTouch[] = [];
    try {
      for (const [touch, { pattern, mode }] of touches.entries()) {
        const found = new Set<ListedClaim>();
        for (const held of this.index.overlapping(pattern, conflictingModes(mode), this.budget)) {
          if (found.has(held.owner)) continue;
          if (blocked.length === limit) return blocked;
          found.add(held.owner);
          blocked.push({ touch, heldPath: held.text, heldMode: held.mode, claim: held.owner });
        }
      }
    } catch (error) {
      if (error instanceof SearchBudgetSpentError) return undefined;
      throw error;
    }
    return blocked;
  }
}

/** What one call may look at, whatever it asks. */
export function searchBudget(): SearchBudget {
  return { candidates: MAX_CANDIDATES, steps: MAX_STEPS };
}

/** Tells, within one budget, whether touches conflict with any of an index; what is too much to be compared does. */
export function conflictsWith(index: TouchIndex<unknown>): (touches: readonly ClaimTouch[]) => boolean {
  const budget = searchBudget();
  return (touches) => {
    try {
      return conflicting(index, touches, budget).next().done !== true;
    } catch (error) {
      if (error instanceof SearchBudgetSpentError) return true;
      throw error;
    }
  };
}

/**
 * The touches of an index that conflict with these; an owner may come more than once.
 *
 * @throws SearchBudgetSpentError when it is too much to be compared
 */
export function* conflicting<Owner>(
  index: TouchIndex<Owner>,
  touches: readonly ClaimTouch[],
  budget: SearchBudget,
): Generator<IndexedTouch<Owner>> {
  for (const { pattern, mode } of touches) yield* index.overlapping(pattern, conflictingModes(mode), budget);
}

/** The modes that a touch of this mode conflicts with. */
function conflictingModes(mode: ClaimMode): readonly ClaimMode[] {
  return mode === "shared" ? ["exclusive"] : ["exclusive", "shared"];
}
