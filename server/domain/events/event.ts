import type { Caller } from "../caller.ts";
import type { Touch } from "../claims/touch.ts";
import type { FeatureStatus, Interruption, Lane } from "../features/feature.ts";
import type { ClaimId, EngineerId, ProjectId, SessionId, Slug } from "../ids.ts";
import type { Role } from "../projects/project.ts";
import type { Session, SessionState } from "../sessions/session.ts";

/** A feature was created, changed, or changed its status; `from` and `to` say it also where it stayed. */
export interface FeatureEvent {
  readonly kind: "feature";
  readonly change: "created" | "updated" | "status" | "deleted";
  readonly from?: FeatureStatus;
  readonly to?: FeatureStatus;
  /** How the work broke off. */
  readonly interruption?: Interruption | undefined;
  /** After a creation or an update. */
  readonly after?: { readonly title: string; readonly lane: Lane; readonly position: number };
}

/** A claim began, grew or ended. */
export interface ClaimEvent {
  readonly kind: "claim";
  readonly change: "acquired" | "extended" | "released" | "expired" | "lost" | "forced";
  readonly claimId: ClaimId;
  readonly fencingToken: bigint;
  /** The touches concerned. */
  readonly touches: readonly Touch[];
  /** Who held it. */
  readonly sessionId: SessionId;
  /** Why, where it was forced. */
  readonly reason?: string;
}

/** A session was opened or ended. */
export interface SessionEvent {
  readonly kind: "session";
  readonly state: SessionState;
  readonly agent: string;
}

/** A checkpoint was saved. What it says is not repeated here: it may be large. */
export interface CheckpointEvent {
  readonly kind: "checkpoint";
  readonly checkpoint: {
    readonly id: string;
    readonly branch: string;
    readonly commit: string;
    readonly changedPaths: readonly string[];
    readonly fencingToken: bigint;
    readonly heldTouches: readonly Touch[];
    readonly createTime: Date;
  };
}

/** A learning was added. */
export interface LearningEvent {
  readonly kind: "learning";
  readonly learning: {
    readonly id: string;
    readonly text: string;
    readonly engineerName: string;
    readonly agent: string;
    readonly createTime: Date;
  };
}

/** A decision was recorded. */
export interface DecisionEvent {
  readonly kind: "decision";
  readonly decision: {
    readonly id: string;
    readonly title: string;
    readonly decision: string;
    readonly rationale: string;
    readonly alternatives: string;
    readonly consequences: string;
    readonly supersedes: readonly string[];
    readonly engineerName: string;
    readonly agent: string;
    readonly createTime: Date;
  };
}

/** A feature was given another place on the roadmap. */
export interface RoadmapEvent {
  readonly kind: "roadmap";
  readonly lane: Lane;
  readonly position: number;
}

/** A member was added, given another role, or removed. */
export interface MemberEvent {
  readonly kind: "member";
  readonly change: "added" | "updated" | "removed";
  readonly email: string;
  /** The role after; of a removed member the last one. */
  readonly role: Role;
}

/** A key of a member was made or revoked. */
export interface KeyEvent {
  readonly kind: "key";
  readonly change: "created" | "revoked";
  readonly lastFour: string;
}

/** What happened. */
export type EventPayload =
  | FeatureEvent
  | ClaimEvent
  | SessionEvent
  | CheckpointEvent
  | LearningEvent
  | DecisionEvent
  | RoadmapEvent
  | MemberEvent
  | KeyEvent;

/** The kinds of events. */
export type EventKind = EventPayload["kind"];

/** Who did it. */
export interface Author {
  /** An engineer's name, or "nexus". */
  readonly actor: string;
  /** The engineer who did it, or whose session it was about. */
  readonly engineerId: EngineerId | undefined;
}

/** Where, when and by whom something happened. */
export interface EventContext extends Author {
  readonly projectId: ProjectId;
  readonly time: Date;
  readonly sessionId?: SessionId | undefined;
  readonly featureSlug?: Slug | undefined;
}

/** Something that a transaction does. Its sequence is given when the transaction commits. */
export type NewEvent = EventContext & { readonly payload: EventPayload };

/** As the log keeps it: times as ISO 8601, tokens as decimal digits. */
export type Kept<T> = T extends Date | bigint
  ? string
  : T extends string
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Kept<Item>[]
      : T extends object
        ? { readonly [Key in keyof T]: Kept<T[Key]> }
        : T;

/** Something that happened. Never changes. */
export interface Event extends EventContext {
  /** 1, 2, 3, … within the project, in the order of commits, without gaps. */
  readonly sequence: bigint;
  readonly payload: Kept<EventPayload>;
}

/** Which events; what is undefined or empty lets everything through. */
export interface EventFilter {
  readonly kinds: readonly EventKind[];
  readonly featureSlug: Slug | undefined;
  readonly engineerId: EngineerId | undefined;
  readonly since: Date | undefined;
}

/** Whether a filter lets an event through. */
export function isMatch({ kinds, featureSlug, engineerId, since }: EventFilter, event: Event): boolean {
  return (
    (kinds.length === 0 || kinds.includes(event.payload.kind)) &&
    (featureSlug === undefined || event.featureSlug === featureSlug) &&
    (engineerId === undefined || event.engineerId === engineerId) &&
    (since === undefined || event.time >= since)
  );
}

/** The caller as the author of what the call does. */
export function by({ engineerName, engineerId }: Pick<Caller, "engineerName" | "engineerId">): Author {
  return { actor: engineerName, engineerId };
}

/** The server as the author of what it does to a session by itself. */
export function byNexus(session?: Pick<Session, "engineerId">): Author {
  return { actor: "nexus", engineerId: session?.engineerId };
}
