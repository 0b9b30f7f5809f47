import type { Touch } from "../claims/touch.ts";
import type { FeatureId, ProjectId, SessionId, Slug } from "../ids.ts";
import type { Landing, Lane } from "./feature.ts";

/** Passes are counted up to this; then the feature is waited for. */
export const MAX_PASSES = 20;

/** A ready feature whose dependencies are done: what a choice is made from. */
export interface Candidate {
  readonly id: FeatureId;
  readonly slug: Slug;
  readonly lane: Lane;
  readonly position: number;
  readonly touches: readonly Touch[];
  /** Whose work on it broke off last, and when; undefined when it did not. */
  readonly interruption: { readonly sessionId: SessionId; readonly time: Date } | undefined;
  readonly passedOver: number;
  readonly passedOverSince: Date | undefined;
}

/** Work that is done on a branch and not known to be in the main one. */
export interface UnmergedFeature {
  readonly slug: Slug;
  readonly title: string;
  readonly touches: readonly Touch[];
  readonly landing: Landing;
  readonly doneTime: Date | undefined;
}

/** What choosing work reads and notes. */
export interface ChoosingStore {
  /** The candidates in the order of work, at most `limit`. */
  listCandidates(projectId: ProjectId, limit: number): Promise<Candidate[]>;

  /** How many features are ready but for dependencies that are not done. */
  countUnmet(projectId: ProjectId): Promise<number>;

  /** Counts one more pass of each of these features that are still ready, up to MAX_PASSES. */
  countPasses(ids: readonly FeatureId[], time: Date): Promise<void>;

  /** What is done and not merged, on any branch but this one, the latest first, at most `limit`. */
  listUnmerged(projectId: ProjectId, exceptBranch: string, limit: number): Promise<UnmergedFeature[]>;
}
