import { compileStored } from "../claims/compile-touches.ts";
import type { Slug } from "../ids.ts";
import { headsMayMeet, literalHead } from "../paths/literal-head.ts";
import { alternativesOverlap } from "../paths/overlap.ts";
import type { TouchingFeature } from "./knowledge-store.ts";

/** Steps of exact comparison: some 100 ms at the very worst, when nearly every entry is a long wildcard. */
const MAX_STEPS = 1_000_000;
/** Glances at where two entries lie: some 100 ms together. */
const MAX_GLANCES = 10_000_000;

/**
 * The features that touch any of these paths or patterns, decided exactly, whatever their mode. What is still to be
 * compared when the budget is used up counts as touching: too much knowledge rather than too little.
 *
 * @param paths in normal form
 */
export function featuresTouching(
  paths: readonly string[],
  features: readonly TouchingFeature[],
  caseSensitive: boolean,
): Slug[] {
  const asked = paths.map((path) => ({ head: literalHead(path), pattern: compileStored(path, caseSensitive) }));
  const budget = { steps: MAX_STEPS };
  let glances = MAX_GLANCES;
  const touches = (entry: string): boolean => {
    glances -= asked.length;
    if (glances < 0) return true;
    const head = literalHead(entry);
    return asked.some(
      (one) =>
        headsMayMeet(one.head, head) &&
        alternativesOverlap(one.pattern.alternatives, compileStored(entry, caseSensitive).alternatives, budget) !==
          false,
    );
  };
  return features.filter((feature) => feature.touches.some(({ path }) => touches(path))).map(({ slug }) => slug);
}
