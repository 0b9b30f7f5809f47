import type { ClaimId, FeatureId, ProjectId, SessionId } from "../ids.ts";
import type { Touch } from "./touch.ts";

/**
 * - `held`: its feature is active under it.
 * - `ending`: ended in Postgres, not known to be freed in the claim store yet.
 * - `draining`: ended uncleanly, its paths stay blocked for the lock-delay.
 * - `ended`: over, in both stores.
 * - `void`: an attempt that was given up before it was known to be committed; it can't be any more.
 */
export type ClaimRecordState = "held" | "ending" | "draining" | "ended" | "void";

/**
 * How a claim ends: `released` by its holder; `crashed`, lost but free at once since the holder's process is known to be
 * dead; `drained`, lost to a holder who may still be writing.
 */
export type ClaimEnd = "released" | "crashed" | "drained";

/** What Postgres remembers of a claim. */
export interface ClaimRecord {
  readonly id: ClaimId;
  readonly featureId: FeatureId;
  readonly sessionId: SessionId;
  readonly fencingToken: bigint;
  readonly touches: readonly Touch[];
  /** The claims that it took over from: whoever confirms it frees them. */
  readonly replaces: readonly ClaimId[];
  readonly acquireTime: Date;
}

/** A claim that has just ended in Postgres. */
export type EndedClaim = Pick<ClaimRecord, "id" | "sessionId" | "fencingToken" | "touches">;

/** A claim whose touches were fewer made, and the claim store may not know it yet. */
export interface ShrunkClaim {
  readonly id: ClaimId;
  readonly touches: readonly Touch[];
  /** Raised by every such change. */
  readonly revision: number;
}

/** Keeps claim intents: the fence behind the claim store. */
export interface ClaimRecordStore {
  /** Records a claim as held. False when the id is taken: voided, or committed already. */
  insertHeld(projectId: ProjectId, claim: ClaimRecord): Promise<boolean>;

  /**
   * Bars a claim id from ever being committed, unless it was already. Waits for a transaction that is about to commit
   * it. Answers the state of its record then: `void` when it never took effect.
   */
  voidUnlessCommitted(projectId: ProjectId, claimId: ClaimId): Promise<ClaimRecordState>;

  /**
   * Ends every held claim of a feature; answers them, whose ids the claim store has to free now, or to drain. Those
   * that were not released are told to a late holder.
   */
  endOfFeature(featureId: FeatureId, how: ClaimEnd, time: Date): Promise<EndedClaim[]>;

  /** These were freed in the claim store; nothing is left to do for them. */
  markEnded(claimIds: readonly ClaimId[]): Promise<void>;

  /** Up to `limit` claims of a project that have ended and are not known to be freed, the earliest first. */
  listEnding(projectId: ProjectId, limit: number): Promise<{ readonly id: ClaimId; readonly endTime: Date }[]>;

  /** The held claims of a feature: that of its pick and its extensions, the oldest first. */
  listHeldOfFeature(featureId: FeatureId): Promise<ClaimRecord[]>;

  /** Ends these held claims, as released; answers them. */
  end(claimIds: readonly ClaimId[], time: Date): Promise<EndedClaim[]>;

  /** Leaves a held claim these touches only. */
  shrink(claimId: ClaimId, touches: readonly Touch[]): Promise<ShrunkClaim>;

  /** The claim store knows the touches of that revision. */
  markShrunk(claim: ShrunkClaim): Promise<void>;

  /** Held claims that were shrunk, which the claim store may not know yet. */
  listShrunk(projectId: ProjectId, limit: number): Promise<ShrunkClaim[]>;

  /** Claims of a project that drain, with when they ended, the earliest first. */
  listDraining(projectId: ProjectId, limit: number): Promise<(ClaimRecord & { readonly endTime: Date })[]>;

  /** How many touches are held in all projects. */
  countHeldTouches(): Promise<number>;

  /** Every held claim of a project. */
  listHeld(projectId: ProjectId): Promise<ClaimRecord[]>;

  /** The claims that a session lost by its own end at that time. */
  lostOfSession(sessionId: SessionId, endTime: Date): Promise<ClaimRecord[]>;

  /** The claims that a session had under these tokens and that have ended, with when. */
  listEndedOfSession(
    sessionId: SessionId,
    fencingTokens: readonly bigint[],
  ): Promise<(ClaimRecord & { readonly endTime: Date })[]>;

  /** The held claim of that token, when its session is open. */
  findHeld(projectId: ProjectId, fencingToken: bigint): Promise<ClaimRecord | undefined>;

  /** The feature that a token was given for, whether it still holds or not. */
  featureOf(projectId: ProjectId, fencingToken: bigint): Promise<FeatureId | undefined>;

  /** What is recorded of a claim, and how it stands. */
  get(claimId: ClaimId): Promise<(ClaimRecord & { readonly state: ClaimRecordState }) | undefined>;
}
