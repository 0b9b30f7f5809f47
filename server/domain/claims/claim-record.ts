import type { ClaimId, FeatureId, ProjectId, SessionId } from "../ids.ts";
import type { Touch } from "./touch.ts";

/**
 * - `held`: its feature is active under it.
 * - `ending`: ended in Postgres, not known to be freed in the claim store yet.
 * - `ended`: over, in both stores.
 * - `void`: an attempt that was given up before it was known to be committed; it can't be any more.
 */
export type ClaimRecordState = "held" | "ending" | "ended" | "void";

/** What Postgres remembers of a claim. */
export interface ClaimRecord {
  readonly id: ClaimId;
  readonly featureId: FeatureId;
  readonly sessionId: SessionId;
  readonly fencingToken: bigint;
  readonly touches: readonly Touch[];
  readonly acquireTime: Date;
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
   * Ends every held claim of a feature; answers their ids, which the claim store has to free now. `lost` ones are told
   * to a late holder.
   */
  endOfFeature(featureId: FeatureId, how: "released" | "lost", time: Date): Promise<ClaimId[]>;

  /** These were freed in the claim store; nothing is left to do for them. */
  markEnded(claimIds: readonly ClaimId[]): Promise<void>;

  /** Up to `limit` claims of a project that have ended and are not known to be freed, the earliest first. */
  listEnding(projectId: ProjectId, limit: number): Promise<ClaimId[]>;

  /** Every held claim of a project. */
  listHeld(projectId: ProjectId): Promise<ClaimRecord[]>;

  /** The claim that a session lost by its own end. */
  lostOfSession(sessionId: SessionId): Promise<ClaimRecord | undefined>;

  /** What is recorded of a claim, and how it stands. */
  get(claimId: ClaimId): Promise<(ClaimRecord & { readonly state: ClaimRecordState }) | undefined>;
}
