import { deserialize, serialize } from "node:v8";
import { and, eq, inArray, lt, sql } from "drizzle-orm";
import type { Database, RequestKey, Stores } from "../../domain/database.ts";
import { RequestIdReusedError } from "../../domain/errors.ts";
import { PostgresApiKeyStore } from "./api-key-store.ts";
import { PostgresClaimRecordStore } from "./claim-record-store.ts";
import { asStoreError, type Connection, isRetriable, type Queryable } from "./connect.ts";
import { PostgresEngineerStore } from "./engineer-store.ts";
import { PostgresFeatureStore } from "./feature-store.ts";
import { PostgresProjectStore } from "./project-store.ts";
import { requests } from "./schema/index.ts";
import { PostgresSessionStore } from "./session-store.ts";

/** How often a transaction that met a deadlock is run in all. */
const MAX_ATTEMPTS = 5;

/** The database in PostgreSQL. */
export class PostgresDatabase implements Database {
  readonly read: Stores;

  constructor(private readonly connection: Connection) {
    this.read = guarded(storesOn(connection.db));
  }

  async transact<T>(work: (tx: Stores) => Promise<T>): Promise<T> {
    return this.inTransaction((db) => work(storesOn(db)));
  }

  async mutate<T>(key: RequestKey | undefined, work: (tx: Stores) => Promise<T>): Promise<T> {
    if (key === undefined) return this.transact(work);
    return this.inTransaction(async (db) => {
      // Inserting first makes a simultaneous repetition wait here until this one has committed or failed.
      const inserted = await db
        .insert(requests)
        .values({ ...key, createTime: new Date() })
        .onConflictDoNothing()
        .returning({ requestId: requests.requestId });
      if (inserted.length === 0) return answerOf<T>(key, await recordOf(db, key));
      const answer = await work(storesOn(db));
      await db
        .update(requests)
        .set({ answer: serialize(answer) })
        .where(matches(key));
      return answer;
    });
  }

  async recorded<T>(key: RequestKey | undefined): Promise<T | undefined> {
    if (key === undefined) return undefined;
    try {
      const record = await recordOf(this.connection.db, key);
      return record === undefined ? undefined : answerOf<T>(key, record);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async exclusively(projectId: string, work: () => Promise<void>): Promise<boolean> {
    return this.inTransaction(async (db) => {
      const [lock] = await db.execute<{ taken: boolean }>(
        sql`select pg_try_advisory_xact_lock(hashtextextended(${`nexus:${projectId}`}, 0)) as taken`,
      );
      if (lock?.taken !== true) return false;
      // This connection only holds the lock while others work; were it cut for idling, the lock would be gone. When it
      // is cut all the same, the commit fails and says so.
      const alive = setInterval(() => db.execute(sql`select 1`).catch(() => {}), this.connection.silenceMs / 4);
      try {
        await work();
      } finally {
        clearInterval(alive);
      }
      return true;
    });
  }

  async forgetRequests(before: Date, limit: number): Promise<void> {
    const { db } = this.connection;
    const old = db
      .select({ requestId: requests.requestId })
      .from(requests)
      .where(lt(requests.createTime, before))
      .limit(limit);
    try {
      await db.delete(requests).where(and(lt(requests.createTime, before), inArray(requests.requestId, old)));
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async ping(): Promise<void> {
    try {
      await this.connection.db.execute(sql`select 1`);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  private async inTransaction<T>(work: (db: Queryable) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.connection.db.transaction(work);
      } catch (error) {
        if (!isRetriable(error) || attempt === MAX_ATTEMPTS) throw asStoreError(error);
      }
    }
  }
}

function storesOn(db: Queryable): Stores {
  return {
    engineers: new PostgresEngineerStore(db),
    apiKeys: new PostgresApiKeyStore(db),
    projects: new PostgresProjectStore(db),
    features: new PostgresFeatureStore(db),
    sessions: new PostgresSessionStore(db),
    claims: new PostgresClaimRecordStore(db),
  };
}

/** Outside a transaction nothing else turns driver errors into the domain's. */
function guarded(stores: Stores): Stores {
  const guard = <S extends object>(store: S): S =>
    new Proxy(store, {
      get(target, name, receiver) {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          try {
            return await Reflect.apply(member, target, args);
          } catch (error) {
            throw asStoreError(error);
          }
        };
      },
    });
  return {
    engineers: guard(stores.engineers),
    apiKeys: guard(stores.apiKeys),
    projects: guard(stores.projects),
    features: guard(stores.features),
    sessions: guard(stores.sessions),
    claims: guard(stores.claims),
  };
}

interface RequestRecord {
  readonly bodyHash: Uint8Array;
  readonly answer: Uint8Array | null;
}

function matches(key: RequestKey) {
  return and(eq(requests.caller, key.caller), eq(requests.requestId, key.requestId));
}

async function recordOf(db: Queryable, key: RequestKey): Promise<RequestRecord | undefined> {
  const [record] = await db
    .select({ bodyHash: requests.bodyHash, answer: requests.answer })
    .from(requests)
    .where(matches(key));
  return record;
}

function answerOf<T>(key: RequestKey, record: RequestRecord | undefined): T {
  if (record === undefined || !Buffer.from(record.bodyHash).equals(key.bodyHash)) {
    throw new RequestIdReusedError(key.requestId);
  }
  return record.answer === null ? (undefined as T) : (deserialize(record.answer) as T);
}
