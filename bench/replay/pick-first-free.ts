import { NexusError } from "@nexus/client";
import { ClaimConflictSchema } from "@nexus/gen/nexus/v1/error_details_pb";

/** Tries to pick one feature; throws the NexusError that it is refused with. */
export type PickAttempt<Picked> = (slug: string) => Promise<Picked>;

/** Refusals that only say that somebody was faster since the window was read. */
const TAKEN = new Set(["FEATURE_ALREADY_HELD", "STATUS_TRANSITION_INVALID"]);
/** The most features that a refusal suggests. */
const MOST_SUGGESTIONS = 3;

/**
 * Picks the first feature of the window, in its order, that can be had; undefined when none can.
 *
 * @param window slugs, in queue order
 */
export async function pickFirstFree<Picked>(
  window: readonly string[],
  pick: PickAttempt<Picked>,
): Promise<Picked | undefined> {
  let candidates = window;
  for (let slug = candidates[0]; slug !== undefined; slug = candidates[0]) {
    try {
      return await pick(slug);
    } catch (error) {
      if (!(error instanceof NexusError)) throw error;
      const conflict = error.detail(ClaimConflictSchema);
      if (conflict === undefined && !TAKEN.has(error.reason)) throw error;
      const others = candidates.slice(1);
      candidates = conflict === undefined ? others : thoseStillFree(others, conflict.suggestions);
    }
  }
  return undefined;
}

/**
 * A conflict suggests the first features of the whole queue that were free at that moment. So what stands before the
 * last of them and is not among them was not free, and with fewer than could be suggested nothing else was.
 */
function thoseStillFree(candidates: readonly string[], suggestions: readonly { readonly slug: string }[]): string[] {
  const suggested = candidates.filter((slug) => suggestions.some((suggestion) => suggestion.slug === slug));
  const last = suggestions[MOST_SUGGESTIONS - 1];
  const lastAt = last === undefined ? -1 : candidates.indexOf(last.slug);
  return lastAt === -1 ? suggested : [...suggested, ...candidates.slice(lastAt + 1)];
}
