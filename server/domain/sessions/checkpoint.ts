import type { Touch } from "../claims/touch.ts";
import type { CheckpointId, ProjectId, SessionId, Slug } from "../ids.ts";

/** What an agent says of how far it has come. */
export interface CheckpointContent {
  /** What is done, what is missing, what was learnt. */
  readonly context: string;
  /** A JSON object as text; empty when there is none. */
  readonly data: string;
  readonly branch: string;
  readonly commit: string;
  /** As git prints them. */
  readonly changedPaths: readonly string[];
}

/** How far a session had come. Never changes. */
export interface Checkpoint extends CheckpointContent {
  readonly id: CheckpointId;
  readonly projectId: ProjectId;
  readonly sessionId: SessionId;
  /** The feature that the session held then, if any. */
  readonly featureSlug: Slug | undefined;
  /** The token of that hold; 0 when there was none. */
  readonly fencingToken: bigint;
  /** What was held, extensions included. */
  readonly heldTouches: readonly Touch[];
  readonly createTime: Date;
}

/** Keeps checkpoints, with their history. "Latest" is by the order of saving, not by anybody's clock. */
export interface CheckpointStore {
  insert(checkpoint: Checkpoint): Promise<void>;

  get(projectId: ProjectId, id: CheckpointId): Promise<Checkpoint | undefined>;

  /** How many a session has saved. */
  countOfSession(sessionId: SessionId): Promise<number>;

  /** The latest one of a session, of a feature, or of both. */
  latest(
    projectId: ProjectId,
    of: { readonly sessionId?: SessionId | undefined; readonly featureSlug?: Slug | undefined },
  ): Promise<Checkpoint | undefined>;

  /** The id of the latest one that a session has saved of the feature that it holds now. */
  latestOfHold(sessionId: SessionId): Promise<CheckpointId | undefined>;
}
