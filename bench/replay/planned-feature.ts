import { featureSlugs } from "./feature-slugs.ts";
import type { PastFeature } from "./history.ts";

/** The longest that a feature is held, in milliseconds. */
const LONGEST_HOLD_MS = 500;
/** Touches in one claim: a limit of the server. */
const MAX_TOUCHES = 512;

/** A feature of a history as it is worked on again. */
export interface PlannedFeature {
  readonly id: string;
  readonly slug: string;
  readonly files: readonly string[];
  readonly holdMs: number;
}

/** A feature that can't be replayed, and why. */
export interface SkippedFeature {
  readonly id: string;
  readonly why: string;
}

/** Gives every feature its slug and how long it is held; leaves those out that no claim could take. */
export function planFeatures(
  history: readonly PastFeature[],
  msPerLine: number,
): { readonly planned: PlannedFeature[]; readonly skipped: SkippedFeature[] } {
  const slugs = featureSlugs(history.map(({ id }) => id));
  const all = history.map(({ id, files, lines }, index) => ({
    id,
    slug: slugs[index] ?? "",
    files: [...new Set(files)],
    holdMs: Math.min(LONGEST_HOLD_MS, lines * msPerLine),
  }));
  const [planned, tooLarge] = [true, false].map((fits) => all.filter((f) => f.files.length <= MAX_TOUCHES === fits));
  const skipped = (tooLarge ?? []).map(({ id, files }) => {
    return { id, why: `it changed ${files.length} files, and a claim takes ${MAX_TOUCHES}` };
  });
  return { planned: planned ?? [], skipped };
}
