import type { ApiKeyStore } from "./auth/api-key.ts";
import type { EngineerStore } from "./auth/engineer.ts";
import type { ClaimRecordStore } from "./claims/claim-record.ts";
import type { FeatureStore } from "./features/feature-store.ts";
import type { ProjectStore } from "./projects/project-store.ts";
import type { SessionStore } from "./sessions/session-store.ts";

/** Everything that is kept in Postgres, by noun. */
export interface Stores {
  readonly engineers: EngineerStore;
  readonly apiKeys: ApiKeyStore;
  readonly projects: ProjectStore;
  readonly features: FeatureStore;
  readonly sessions: SessionStore;
  readonly claims: ClaimRecordStore;
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
  transact<T>(work: (tx: Stores) => Promise<T>): Promise<T>;

  /**
   * A transaction whose answer is recorded under the request key: the same key again answers the recorded answer
   * without running `work`. The answer must be plain data. Without a key it is an ordinary transaction.
   *
   * @throws RequestIdReusedError if the request id came with another body
   */
  mutate<T>(key: RequestKey | undefined, work: (tx: Stores) => Promise<T>): Promise<T>;

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

  /** Resolves when the database answers, throws StoreUnavailableError when it does not. */
  ping(): Promise<void>;

  /** Ends its connections. */
  close(): Promise<void>;
}
