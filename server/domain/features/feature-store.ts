import type { Touch } from "../claims/touch.ts";
import type { ClaimId, FeatureId, ProjectId, SessionId, Slug } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Feature, FeatureStatus, Interruption, Landing, Lane } from "./feature.ts";

/** A list of features is ordered by lane, position and id. */
export interface FeatureListKey {
  readonly lane: Lane;
  readonly position: number;
  readonly id: FeatureId;
}

/** Empty lists let everything through. */
export interface FeatureFilter {
  readonly statuses: readonly FeatureStatus[];
  readonly lanes: readonly Lane[];
  /** Only those that are done on a branch and not marked as merged. */
  readonly unmerged: boolean;
}

/** A feature as it is created: a draft. */
export interface NewFeature {
  readonly id: FeatureId;
  readonly projectId: ProjectId;
  readonly slug: Slug;
  readonly title: string;
  readonly spec: string;
  readonly lane: Lane;
  readonly touches: readonly Touch[];
  readonly dependsOn: readonly FeatureId[];
  readonly time: Date;
}

/** What an update changes; undefined leaves it. A lane moves the feature to that lane's end. */
export interface FeatureChanges {
  readonly title?: string | undefined;
  readonly spec?: string | undefined;
  readonly lane?: Lane | undefined;
  readonly touches?: readonly Touch[] | undefined;
  readonly dependsOn?: readonly FeatureId[] | undefined;
  readonly status?: FeatureStatus | undefined;
}

/** What a pick commits. */
export interface Activation {
  readonly featureId: FeatureId;
  readonly sessionId: SessionId;
  readonly claimId: ClaimId;
  readonly fencingToken: bigint;
  /** The revision whose touches were claimed and whose dependencies were looked at. */
  readonly revision: number;
  readonly time: Date;
}

/** A feature that another one depends on, or is depended on by. */
export interface FeatureReference {
  readonly slug: Slug;
  readonly status: FeatureStatus;
}

/** What a feature touches, and whether it still matters. */
export interface TouchedFeature {
  readonly id: FeatureId;
  readonly status: FeatureStatus;
  readonly touches: readonly Touch[];
}

/** What of an open feature a status looks at. */
export interface FeatureOutline extends TouchedFeature {
  readonly slug: Slug;
  readonly title: string;
  readonly lane: Lane;
  readonly passedOver: number;
}

/** How many open features stand where. */
export interface FeatureCounts {
  readonly byStatus: ReadonlyMap<FeatureStatus, number>;
  /** Of those neither done nor cancelled. */
  readonly byLane: ReadonlyMap<Lane, number>;
}

/** Keeps features. */
export interface FeatureStore {
  /** Adds a draft at the end of its lane; false when the slug is taken. */
  insert(feature: NewFeature): Promise<boolean>;

  get(projectId: ProjectId, slug: Slug): Promise<Feature | undefined>;

  /** The same, locked until the transaction ends. */
  getLocked(projectId: ProjectId, slug: Slug): Promise<Feature | undefined>;

  /** The features of these ids; of any project. */
  getMany(ids: readonly FeatureId[]): Promise<Feature[]>;

  /** The ids of those slugs that exist. */
  findIds(projectId: ProjectId, slugs: readonly Slug[]): Promise<ReadonlyMap<Slug, FeatureId>>;

  list(
    projectId: ProjectId,
    filter: FeatureFilter,
    page: PageRequest<FeatureListKey>,
  ): Promise<Page<Feature, FeatureListKey>>;

  /** Ready features whose dependencies are done, in the order of work. */
  listReady(projectId: ProjectId, page: PageRequest<FeatureListKey>): Promise<Page<Feature, FeatureListKey>>;

  /** The feature that a session holds. */
  activeOfSession(sessionId: SessionId): Promise<Feature | undefined>;

  /** The dependencies that are not done, in the order given. */
  unmet(id: FeatureId): Promise<FeatureReference[]>;

  /** The features that depend on this one and are not cancelled. */
  dependents(id: FeatureId): Promise<FeatureReference[]>;

  /** Makes changes of dependencies in a project take turns until the transaction ends. */
  lockDependencies(projectId: ProjectId): Promise<void>;

  /** A way along dependencies from one of `from` to `to`, as slugs from first to last; undefined when there is none. */
  dependencyPath(from: readonly FeatureId[], to: FeatureId): Promise<Slug[] | undefined>;

  /** Changes a feature and raises its version. */
  update(id: FeatureId, changes: FeatureChanges, time: Date): Promise<void>;

  /** Notes that its work is in the main branch. */
  markMerged(id: FeatureId, time: Date): Promise<void>;

  /** Deletes a feature; what depended on it no longer does. */
  delete(id: FeatureId): Promise<void>;

  /**
   * `ready → active` for a session. False, changing nothing, unless the feature is ready at that revision,
   * its dependencies are done, and the token exceeds every one it had.
   *
   * @throws SessionBusyConflict when the session holds another feature
   */
  activate(activation: Activation): Promise<boolean>;

  /**
   * Moves an active feature from the claim and token that hold it to those of the activation. False, changing nothing,
   * when it is not held by that claim.
   *
   * @throws SessionBusyConflict when the session holds another feature
   */
  takeOver(activation: Activation, from: ClaimId): Promise<boolean>;

  /**
   * Ends the hold that a session has under that token: `active → to`. Undefined, changing nothing, when the feature is
   * not held like that; else its id.
   */
  endHold(
    hold: {
      readonly projectId: ProjectId;
      readonly slug: Slug;
      readonly sessionId: SessionId;
      readonly fencingToken: bigint;
    },
    to: "ready" | "done" | "cancelled",
    landing: Landing | undefined,
    time: Date,
  ): Promise<FeatureId | undefined>;

  /** `active → to` for whatever the session holds; answers its id. Without an interruption the end was clean. */
  endHoldOfSession(
    sessionId: SessionId,
    to: "ready" | "cancelled",
    interruption: Interruption | undefined,
    time: Date,
  ): Promise<FeatureId | undefined>;

  /** What features touch that are not cancelled, the latest first, at most `limit`. */
  listTouched(projectId: ProjectId, limit: number): Promise<TouchedFeature[]>;

  count(projectId: ProjectId): Promise<FeatureCounts>;

  /** The features that are neither done nor cancelled, in the order of work, at most `limit`. */
  outlineOpen(projectId: ProjectId, limit: number): Promise<FeatureOutline[]>;

  /** Ready features whose last work broke off, the latest first, at most `limit`; without their specs. */
  listInterrupted(projectId: ProjectId, limit: number): Promise<Feature[]>;
}

/** Thrown by `activate`: the database allows one active feature per session. */
export class SessionBusyConflict extends Error {}
