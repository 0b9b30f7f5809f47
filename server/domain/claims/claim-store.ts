import type { ClaimId, FeatureId, ProjectId, SessionId } from "../ids.ts";
import type { Pattern } from "../paths/pattern.ts";

/** Whether others may hold an overlapping touch at the same time: two shared ones may, all else conflicts. */
export type ClaimMode = "exclusive" | "shared";

/** A touch as it is claimed: compiled, with the mode that holds (project policy already applied). */
export interface ClaimTouch {
  readonly pattern: Pattern;
  readonly mode: ClaimMode;
}

/**
 * - `provisional`: granted, its Postgres row not known to be committed yet; blocks others.
 * - `held`: confirmed; what an agent was told.
 * - `draining`: ended uncleanly; blocks everybody, its own feature too, until its lock-delay has passed.
 */
export type ClaimState = "provisional" | "held" | "draining";

/** A claim as the store knows it. */
export interface LiveClaim {
  readonly claimId: ClaimId;
  readonly featureId: FeatureId;
  readonly sessionId: SessionId;
  readonly fencingToken: bigint;
  readonly state: ClaimState;
  readonly acquireTime: Date;
  /** When the paths may be free: the end of the session's lease, or of the lock-delay of a draining claim. */
  readonly expireTime: Date;
  /** The session's lease has run out, but nobody has committed its end yet: run Expire(session), then try again. */
  readonly sessionExpired: boolean;
  /** Provisional for longer than its deadline: somebody has to ask Postgres what became of it. */
  readonly overdue: boolean;
}

/** A live claim with what it covers. */
export interface ListedClaim extends LiveClaim {
  readonly touches: readonly { readonly path: string; readonly mode: ClaimMode }[];
}

/** One asked touch against one claim that stands in its way. */
export interface BlockedTouch {
  /** Index of the asked touch. */
  readonly touch: number;
  /** The text of the held pattern that overlaps it. */
  readonly heldPath: string;
  /** The mode of that held touch; where several of the claim's overlap the asked one, of the one that is named. */
  readonly heldMode: ClaimMode;
  readonly claim: LiveClaim;
}

/** Which project, and the epoch in which the caller read its state from Postgres. Another epoch is refused. */
export interface ClaimScope {
  readonly projectId: ProjectId;
  /** 1 to 2²¹−1; raised by every recovery. */
  readonly epoch: number;
}

/** The store's epoch is not the caller's, or its rebuild is not finished: recovery decides, nothing was changed. */
export interface Recovering {
  readonly kind: "recovering";
  /**
   * The epoch the store is at; undefined when it knows nothing of the project, or only what another server process
   * left there (a restart or a failover of Redis): nobody knows what is missing, so that counts as nothing.
   */
  readonly storeEpoch: number | undefined;
}

export interface AcquireRequest {
  readonly claimId: ClaimId;
  readonly featureId: FeatureId;
  readonly sessionId: SessionId;
  /** The session's lease is renewed to this by the same step, also when the claim is refused. */
  readonly ttlMs: number;
  readonly touches: readonly ClaimTouch[];
  /**
   * Claims that this one takes over from, whatever their session and state: those of the same feature stand in nobody's
   * way here, others do. They live on until `confirm` frees them.
   */
  readonly replaces?: readonly ClaimId[];
}

/**
 * A further claim of a session and feature, beside the one of its pick. What the session holds for the feature is no
 * conflict, draining claims excepted, and `feature-held` is answered only for a `claimId` that is known already.
 */
export interface ExtendRequest extends AcquireRequest {
  /** The pick's claim: it has to be live, not draining, and of the same session and feature. */
  readonly alongside: ClaimId;
}

export type AcquireOutcome =
  | {
      readonly kind: "granted";
      /** `epoch·2³² + counter`: greater than every token granted in this project before. */
      readonly fencingToken: bigint;
      readonly acquireTime: Date;
      readonly expireTime: Date;
    }
  /** At least one touch overlaps a claim of another feature (or a draining one). Names each pair of touch and claim once, at most 64. */
  | { readonly kind: "conflict"; readonly blocked: readonly BlockedTouch[] }
  /** A claim of this feature is live, perhaps the same session's own. Of several, the one with the lowest token. */
  | { readonly kind: "feature-held"; readonly claim: LiveClaim }
  /** The session's lease has run out, or the store does not know it. */
  | { readonly kind: "session-expired" }
  /** Too much to compare within the budget of one atomic step; `touch` is the index that used it up. */
  | { readonly kind: "too-broad"; readonly touch: number }
  | Recovering;

/** What an ExtendRequest is answered. */
export type ExtendOutcome =
  | AcquireOutcome
  /** The claim that this one was to stand beside has ended, drains, or is another session's or feature's. */
  | { readonly kind: "claim-gone" };

export type ConfirmOutcome =
  | { readonly kind: "confirmed"; readonly claim: LiveClaim }
  | { readonly kind: "session-expired" }
  /** The store has no such claim in this epoch, or has it draining while its session lives: it was taken away. */
  | { readonly kind: "gone" }
  | Recovering;

export type LeaseOutcome =
  | { readonly kind: "alive"; readonly expireTime: Date; readonly claims: readonly LiveClaim[] }
  | { readonly kind: "session-expired" }
  | Recovering;

/** What a sweeper has to look after in one project. */
export interface DueWork {
  readonly kind: "due";
  /** Sessions whose lease has run out. */
  readonly expiredSessions: readonly SessionId[];
  /** Provisional claims past their deadline. */
  readonly overdueClaims: readonly LiveClaim[];
  /** Draining claims whose lock-delay has passed: release them. */
  readonly drainedClaims: readonly ClaimId[];
}

/**
 * Keeps the live claims and session leases of every project and decides, in one atomic step per call, who gets what.
 *
 * Every method but those of the rebuild answers `recovering` when the project's epoch is not the caller's, or when a
 * rebuild has not finished. Time is the store's own; neither the caller's clock nor the server's decides anything.
 * Every call is bounded in time and throws StoreUnavailableError when the store does not answer; the outcome of that
 * call is then unknown. Releasing, confirming, retaining, draining and ending are safe to repeat.
 */
export interface ClaimStore {
  /** Claims every touch for a feature, or nothing (P1). A grant is provisional until it is confirmed. */
  acquire(scope: ClaimScope, request: ExtendRequest): Promise<ExtendOutcome>;
  acquire(scope: ClaimScope, request: AcquireRequest): Promise<AcquireOutcome>;

  /**
   * Turns a provisional claim into a held one (P3) and frees, in the same step, the claims of its feature that it
   * replaces. A claim that is held already stays as it is, and still replaces; that of a session which has lapsed or
   * ended stays as it is too and answers `session-expired`. What can't be confirmed frees nothing.
   */
  confirm(scope: ClaimScope, claimId: ClaimId, replaces?: readonly ClaimId[]): Promise<ConfirmOutcome>;

  /** Frees these claims at once, whatever their state. Claims that the store does not know are passed over. */
  release(scope: ClaimScope, claimIds: readonly ClaimId[]): Promise<{ readonly kind: "released" } | Recovering>;

  /**
   * Frees every touch of a claim that is not in this list, by its text and mode; never adds one. The claim lives on,
   * also when none is left. A claim that the store does not know is passed over.
   */
  retainTouches(
    scope: ClaimScope,
    claimId: ClaimId,
    touches: readonly ClaimTouch[],
  ): Promise<{ readonly kind: "retained" } | Recovering>;

  /**
   * Leaves these claims draining for so long, whatever their state; `drainMs` 0 frees them at once. Those that drain
   * already keep their time, unless `drainMs` is 0, so that repeating it prolongs nothing. Claims that the store does
   * not know are free, and answered as such; sessions live on.
   */
  drain(
    scope: ClaimScope,
    claimIds: readonly ClaimId[],
    drainMs: number,
  ): Promise<{ readonly kind: "drained"; readonly unknown: readonly ClaimId[] } | Recovering>;

  /** For each touch every live claim that overlaps it, its mode aside; changes nothing. At most 64 pairs a touch. */
  check(
    scope: ClaimScope,
    touches: readonly Pattern[],
  ): Promise<
    | { readonly kind: "checked"; readonly held: readonly BlockedTouch[] }
    | { readonly kind: "too-broad"; readonly touch: number }
    | Recovering
  >;

  /**
   * Every live claim of the project, or of one session; a draining one whose time has passed is not live. Long lists
   * are read in several steps: a claim that comes or goes meanwhile may be in it or not.
   */
  list(
    scope: ClaimScope,
    sessionId?: SessionId,
  ): Promise<{ readonly kind: "listed"; readonly claims: readonly ListedClaim[] } | Recovering>;

  /**
   * Starts a lease, or renews it when the session is alive already. A lapsed one stays lapsed. No renewal, here or
   * elsewhere, makes a lease end earlier than an answer has promised before.
   */
  openSession(scope: ClaimScope, sessionId: SessionId, ttlMs: number): Promise<LeaseOutcome>;

  /** Renews a lease and answers what the session holds. A lapsed or unknown one is not revived. */
  heartbeat(scope: ClaimScope, sessionId: SessionId, ttlMs: number): Promise<LeaseOutcome>;

  /**
   * Ends a session's lease and its claims: freed at once when `drainMs` is 0, else draining for so long. Call it only
   * after Postgres has committed the session's end. Claims that drain already keep their time, unless `drainMs` is 0.
   * Unknown sessions are passed over.
   *
   * @param free its claims that are freed at once in any case
   */
  endSession(
    scope: ClaimScope,
    sessionId: SessionId,
    drainMs: number,
    free?: readonly ClaimId[],
  ): Promise<{ readonly kind: "ended" } | Recovering>;

  /** The leases the store knows, lapsed ones included. */
  listLeases(scope: ClaimScope): Promise<
    | {
        readonly kind: "listed";
        readonly leases: readonly { sessionId: SessionId; expireTime: Date; expired: boolean }[];
      }
    | Recovering
  >;

  /**
   * The tick of a reconciler: at most `limit` of each kind of due work, longest due first. Where the last one is more
   * than 15 s ago by the store's clock (it jumped, or no server was there), the time stands still for every other
   * method, so that nothing expires; this one answers `recovering` then when anything runs by time, since nobody knows
   * who could have given a sign of life.
   */
  dueWork(scope: ClaimScope, limit: number): Promise<DueWork | Recovering>;

  /**
   * Starts a rebuild: forgets everything of the project, takes the scope's epoch and this random intent mark. Answers
   * `superseded`, changing nothing, when the store is at a higher epoch, or at this one and ready.
   */
  beginRebuild(
    scope: ClaimScope,
    intent: string,
  ): Promise<{ readonly kind: "begun" } | { readonly kind: "superseded" }>;

  /** Restores a session's lease with a fresh TTL. Refused (`superseded`) under another epoch or intent, as are the next two. */
  rebuildSession(scope: ClaimScope, intent: string, sessionId: SessionId, ttlMs: number): Promise<RebuildOutcome>;

  /**
   * Restores a claim with its token: as held, or draining for `drainMs` from now. The session of one that is held must
   * be restored before it: that it was not is the caller's mistake, and throws. One that overlaps what another feature
   * was given back before is not restored, and answers `overlaps`: restore the highest tokens first. Repeating it is
   * safe.
   */
  rebuildClaim(
    scope: ClaimScope,
    intent: string,
    claim: RebuiltClaim,
  ): Promise<RebuildOutcome | { readonly kind: "overlaps" }>;

  /** Ends the rebuild: from here on every other method serves this epoch. Repeating it is safe. */
  finishRebuild(scope: ClaimScope, intent: string): Promise<RebuildOutcome>;

  /** Forgets everything of a project that was deleted. */
  deleteProject(projectId: ProjectId): Promise<void>;

  /** Resolves when the store answers, throws StoreUnavailableError when it does not. */
  ping(): Promise<void>;

  /** Ends connections and timers. */
  close(): Promise<void>;
}

export type RebuildOutcome = { readonly kind: "rebuilt" } | { readonly kind: "superseded" };

/** A claim as Postgres remembers it. */
export interface RebuiltClaim {
  readonly claimId: ClaimId;
  readonly featureId: FeatureId;
  readonly sessionId: SessionId;
  readonly fencingToken: bigint;
  readonly acquireTime: Date;
  readonly touches: readonly ClaimTouch[];
  /** Of one that ended uncleanly: how long its paths stay blocked. Undefined for one that is held. */
  readonly drainMs?: number | undefined;
}

/** How long a provisional claim may stay unconfirmed before somebody asks Postgres what became of it. */
export const PROVISIONAL_DEADLINE_MS = 8_000;
/** Touches in one claim. */
export const MAX_TOUCHES_PER_CLAIM = 512;
/** Brace-free alternatives of all touches of one claim together. */
export const MAX_ALTERNATIVES_PER_CLAIM = 1_000;
