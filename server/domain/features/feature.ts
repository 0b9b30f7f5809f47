import type { Touch } from "../claims/touch.ts";
import type { CheckpointId, ClaimId, EngineerId, FeatureId, ProjectId, SessionId, Slug } from "../ids.ts";

/** Where a feature is in its life. */
export type FeatureStatus = "draft" | "ready" | "active" | "done" | "cancelled";

/** How soon a feature is wanted; the order is that of work. */
export type Lane = "now" | "next" | "later" | "icebox";

/** All lanes, in the order of work. */
export const LANES: readonly Lane[] = ["now", "next", "later", "icebox"];

/** All statuses, in the order of life. */
export const STATUSES: readonly FeatureStatus[] = ["draft", "ready", "active", "done", "cancelled"];

/** Which status may follow which. Staying where it is needs no transition. */
export const TRANSITIONS: Readonly<Record<FeatureStatus, readonly FeatureStatus[]>> = {
  draft: ["ready", "cancelled"],
  ready: ["draft", "active", "cancelled"],
  active: ["ready", "done", "cancelled"],
  done: [],
  cancelled: [],
};

/** Who works on an active feature, under which claim. */
export interface FeatureHold {
  readonly sessionId: SessionId;
  readonly claimId: ClaimId;
  readonly fencingToken: bigint;
  readonly acquireTime: Date;
  readonly engineerId: EngineerId;
  readonly engineerName: string;
  readonly agent: string;
  /** How the work before this hold broke off, if it did. */
  readonly resumes: Interruption | undefined;
}

/** What ended a session's work uncleanly. */
export type InterruptionCause =
  | "session-expired"
  | "session-crashed"
  | "forced-release"
  | "member-removed"
  | "claim-lost";

/** How the last work on a feature broke off. */
export interface Interruption {
  readonly sessionId: SessionId;
  readonly engineerName: string;
  readonly agent: string;
  readonly host: string;
  readonly worktree: string;
  readonly time: Date;
  readonly cause: InterruptionCause;
  /** The latest checkpoint of that work. */
  readonly checkpointId: CheckpointId | undefined;
}

/** An interruption as JSON. */
export type StoredInterruption = Omit<Interruption, "time"> & { readonly time: string };

/** Where completed work landed. */
export interface Landing {
  readonly branch: string;
  readonly commit: string;
}

/** A piece of work. */
export interface Feature {
  readonly id: FeatureId;
  readonly projectId: ProjectId;
  readonly slug: Slug;
  readonly title: string;
  readonly spec: string;
  readonly status: FeatureStatus;
  readonly lane: Lane;
  readonly position: number;
  readonly touches: readonly Touch[];
  /** Raised when the touches or dependencies change: what a pick rests on. */
  readonly revision: number;
  readonly dependsOn: readonly Slug[];
  /** Raised by every change; the etag. */
  readonly version: number;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly readyTime: Date | undefined;
  readonly doneTime: Date | undefined;
  /** Set while it is active. */
  readonly hold: FeatureHold | undefined;
  /** Unset while it is active: then the hold has it. */
  readonly interruption: Interruption | undefined;
  readonly landing: Landing | undefined;
  /** When its work was noted to be in the main branch. */
  readonly mergedTime: Date | undefined;
  /** How often PickNextFeature has passed it over since it was picked last, and since when. Counted to MAX_PASSES. */
  readonly passedOver: number;
  readonly passedOverSince: Date | undefined;
}

/** Who holds something, until when. */
export interface Holder {
  readonly engineerId: EngineerId;
  readonly engineerName: string;
  readonly agent: string;
  readonly sessionId: SessionId;
  readonly featureSlug: Slug;
  readonly acquireTime: Date;
  readonly expireTime: Date;
}

/** A feature with its holder's lease, as callers see it. */
export interface FeatureView {
  readonly feature: Feature;
  readonly holder: Holder | undefined;
}
