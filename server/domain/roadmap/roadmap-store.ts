import type { Feature, Lane } from "../features/feature.ts";
import type { FeatureReference } from "../features/feature-store.ts";
import type { FeatureId, ProjectId } from "../ids.ts";

/** Where a feature is to go: right before another one, or to the end of a lane. */
export interface Destination {
  readonly lane: Lane;
  readonly before: FeatureId | undefined;
}

/** Keeps the order of features. */
export interface RoadmapStore {
  /**
   * The features of a lane in order, at most `limit`, without their specs and without what they depend on; done and
   * cancelled ones where asked for.
   */
  list(projectId: ProjectId, lane: Lane, closed: boolean, limit: number): Promise<Feature[]>;

  /** What the open features of a project depend on, in the order given; of all features where asked for. */
  dependencies(projectId: ProjectId, closed: boolean): Promise<ReadonlyMap<FeatureId, readonly FeatureReference[]>>;

  /** How many features a lane has; done and cancelled ones where asked for. */
  count(projectId: ProjectId, lane: Lane, closed: boolean): Promise<number>;

  /** The number of the last move. */
  version(projectId: ProjectId): Promise<number>;

  /** Makes moves of a project's features happen one after another, until the transaction ends. */
  lock(projectId: ProjectId): Promise<void>;

  /** Puts a feature where it is to go, under the lock. False, changing nothing, when it stands there already. */
  move(feature: Feature, to: Destination, time: Date): Promise<boolean>;

  /** Counts a move, under the lock, as the last thing before the transaction ends; answers its number. */
  countMove(projectId: ProjectId): Promise<number>;
}
