import type { ApiKeyStore } from "./auth/api-key.ts";
import type { EngineerStore } from "./auth/engineer.ts";
import type { ClaimRecordStore } from "./claims/claim-record.ts";
import type { EventLog, EventReader } from "./events/event-log.ts";
import type { ChoosingStore } from "./features/choosing-store.ts";
import type { FeatureStore } from "./features/feature-store.ts";
import type { DecisionStore, KnowledgeIndex, LearningStore } from "./knowledge/knowledge-store.ts";
import type { ProjectStore } from "./projects/project-store.ts";
import type { RoadmapStore } from "./roadmap/roadmap-store.ts";
import type { CheckpointStore } from "./sessions/checkpoint.ts";
import type { SessionStore } from "./sessions/session-store.ts";

/** Everything that is kept in Postgres, by noun. */
export interface Stores {
  readonly engineers: EngineerStore;
  readonly apiKeys: ApiKeyStore;
  readonly projects: ProjectStore;
  readonly features: FeatureStore;
  readonly choosing: ChoosingStore;
  readonly roadmap: RoadmapStore;
  readonly sessions: SessionStore;
  readonly claims: ClaimRecordStore;
  readonly checkpoints: CheckpointStore;
  readonly learnings: LearningStore;
  readonly decisions: DecisionStore;
  readonly knowledge: KnowledgeIndex;
  readonly events: EventReader;
}

/** The stores within one transaction, which adds to the event log what it does. */
export interface Transaction extends Stores {
  readonly events: EventLog;
}

/** Makes a repetition of a mutation recognisable. */
export interface RequestKey {
  /** The engineer's id, or what stands for the caller where there is none yet. */
  readonly caller: string;
  /** UUID from the request. */
  readonly requestId: string;
  /** SHA-256 of method and request without the request id. */
  readonly bodyHash: Uint8Array;
}

/**
 * The database. Every call is bounded in time and throws StoreUnavailableError when it can't be reached or does not
 * answer; what became of a transaction is then unknown.
 */
export interface Database {
  /** The stores outside of any transaction: each call sees what is committed when it runs. */
  readonly read: Stores;

  /**
   * Runs `work` in one transaction and commits it, or nothing when it throws. Deadlocks are retried, so `work` may run
   * several times: it changes nothing but through `tx`.
   */
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;

  /**
   * A transaction whose answer is recorded under the request key: the same key again answers the recorded answer
   * without running `work`. The answer must be plain data. Without a key it is an ordinary transaction.
   *
   * @throws RequestIdReusedError if the request id came with another body
   */
  mutate<T>(key: RequestKey | undefined, work: (tx: Transaction) => Promise<T>): Promise<T>;

  /** Runs `read` over one state of the database: what it reads was all true at the same moment. */
  snapshot<T>(read: (stores: Stores) => Promise<T>): Promise<T>;

  /**
   * The recorded answer of a key, if any.
   *
   * @throws RequestIdReusedError if the request id came with another body
   */
  recorded<T>(key: RequestKey | undefined): Promise<T | undefined>;

  /** Runs `work` unless another server does the same for that project now; answers whether it ran. */
  exclusively(projectId: string, work: () => Promise<void>): Promise<boolean>;

  /** Forgets recorded answers from before `before`, at most `limit` of them. */
  forgetRequests(before: Date, limit: number): Promise<void>;

  /** Forgets events from before `before`, the oldest of a project first, at most `limit` of each project. */
  forgetEvents(before: Date, limit: number): Promise<void>;

  /** Resolves when the database answers, throws StoreUnavailableError when it does not. */
  ping(): Promise<void>;

  /** Ends its connections. */
  close(): Promise<void>;
}
