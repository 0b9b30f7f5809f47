import type { EngineerId } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";

/** What a key may be used for: everything, or reading only. */
export type ApiKeyScope = "full" | "read";

/** What is known of a key; never the key itself. */
export interface ApiKey {
  /** The public part: 12 base62 characters. */
  readonly id: string;
  readonly engineerId: EngineerId;
  readonly name: string;
  readonly lastFour: string;
  readonly scope: ApiKeyScope;
  readonly createTime: Date;
  /** To the minute. */
  readonly lastUsedTime: Date | undefined;
  readonly expireTime: Date | undefined;
}

/** A list of keys is ordered by creation, the newest first. */
export interface ApiKeyListKey {
  readonly createTime: Date;
  readonly id: string;
}

/** Keeps keys. */
export interface ApiKeyStore {
  /** Adds a key with the hash of its secret part. */
  insert(key: ApiKey, secretHash: string): Promise<void>;
  /** A key that is neither revoked nor, at `now`, expired; with its hash and its engineer's name. */
  findLive(
    id: string,
    now: Date,
  ): Promise<{ readonly key: ApiKey; readonly secretHash: string; readonly engineerName: string } | undefined>;
  /** Which of these keys are neither revoked nor, at `now`, expired. */
  whichLive(ids: readonly string[], now: Date): Promise<ReadonlySet<string>>;
  /** How many keys of an engineer are not revoked. Until a transaction that asks ends, others that ask wait. */
  count(engineerId: EngineerId): Promise<number>;
  /** The keys of an engineer that are not revoked. */
  list(engineerId: EngineerId, page: PageRequest<ApiKeyListKey>): Promise<Page<ApiKey, ApiKeyListKey>>;
  /** Ends a key, which ended `now` or was ended before; undefined when the engineer has no such key. */
  revoke(
    engineerId: EngineerId,
    id: string,
    now: Date,
  ): Promise<{ readonly key: ApiKey; readonly now: boolean } | undefined>;
  /** Ends every key of an engineer; answers them. */
  revokeAll(engineerId: EngineerId, now: Date): Promise<ApiKey[]>;
  /** Notes that a key was used. */
  touch(id: string, now: Date): Promise<void>;
}
