import { deserialize, serialize } from "node:v8";
import { and, eq, inArray, lt, sql } from "drizzle-orm";
import type { Database, RequestKey, Stores, Transaction } from "../../domain/database.ts";
import { RequestIdReusedError } from "../../domain/errors.ts";
import type { WakeUps } from "../../domain/events/event-log.ts";
import { PostgresApiKeyStore } from "./api-key-store.ts";
import { PostgresCheckpointStore } from "./checkpoint-store.ts";
import { PostgresChoosingStore } from "./choosing-store.ts";
import { PostgresClaimRecordStore } from "./claim-record-store.ts";
import { asStoreError, type Connection, isRetriable, type Queryable } from "./connect.ts";
import { PostgresDecisionStore } from "./decision-store.ts";
import { PostgresEngineerStore } from "./engineer-store.ts";
import { PostgresEventLog, PostgresEventReader } from "./event-log.ts";
import { PostgresFeatureStore } from "./feature-store.ts";
import { PostgresKnowledgeIndex } from "./knowledge-index.ts";
import { PostgresLearningStore } from "./learning-store.ts";
import { PostgresProjectStore } from "./project-store.ts";
import { PostgresRoadmapStore } from "./roadmap-store.ts";
import { events, projects, requests } from "./schema/index.ts";
import { PostgresSessionStore } from "./session-store.ts";

/** How often a transaction that met a deadlock is run in all. */
const MAX_ATTEMPTS = 5;

/** The database in PostgreSQL. */
export class PostgresDatabase implements Database {
  readonly read: Stores;

  /** @param wakeUps told of every commit that has events */
  constructor(
    private readonly connection: Connection,
    private readonly wakeUps?: Pick<WakeUps, "publish">,
  ) {
    this.read = guarded(storesOn(connection.db));
  }

  async transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.inLoggedTransaction((_db, tx) => work(tx));
  }

  async mutate<T>(key: RequestKey | undefined, work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (key === undefined) return this.transact(work);
    return this.inLoggedTransaction(async (db, tx) => {
      // Inserting first makes a simultaneous repetition wait here until this one has committed or failed.
      const inserted = await db
        .insert(requests)
        .values({ ...key, createTime: new Date() })
        .onConflictDoNothing()
        .returning({ requestId: requests.requestId });
      if (inserted.length === 0) return answerOf<T>(key, await recordOf(db, key));
      const answer = await work(tx);
      await db
        .update(requests)
        .set({ answer: serialize(answer) })
        .where(matches(key));
      return answer;
    });
  }

  async snapshot<T>(read: (stores: Stores) => Promise<T>): Promise<T> {
    try {
      return await this.connection.db.transaction((db) => read(storesOn(db)), {
        isolationLevel: "repeatable read",
        accessMode: "read only",
      });
    } catch (error) {
      throw asStoreError(error);
    }
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

  async forgetEvents(before: Date, limit: number): Promise<void> {
    const { db } = this.connection;
    const oldest = sql`(select min(e.sequence) from ${events} e where e.project_id = ${projects.id})`;
    const beginsBefore = sql`(select e.time from ${events} e where e.project_id = ${projects.id} order by e.sequence limit 1) < ${before.toISOString()}::timestamptz`;
    try {
      for (const { id } of await db.select({ id: projects.id }).from(projects).where(beginsBefore)) {
        // From the beginning on up to the first that stays, so that no hole comes about where clocks disagree.
        await db.execute(sql`
          delete from ${events} where project_id = ${id}
            and sequence < (select ${oldest} + ${limit}::bigint from ${projects} where id = ${id})
            and sequence < coalesce(
              (select k.sequence from ${events} k where k.project_id = ${id}
                and k.time >= ${before.toISOString()}::timestamptz order by k.sequence limit 1),
              9223372036854775807)`);
      }
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

  /** A transaction that ends with writing its events; readers are told when it has committed. */
  private async inLoggedTransaction<T>(work: (db: Queryable, tx: Transaction) => Promise<T>): Promise<T> {
    const { answer, written } = await this.inTransaction(async (db) => {
      const log = new PostgresEventLog(db);
      const answer = await work(db, { ...storesOn(db), events: log });
      return { answer, written: await log.write() };
    });
    for (const [projectId, latest] of written) this.wakeUps?.publish(projectId, latest);
    return answer;
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
    choosing: new PostgresChoosingStore(db),
    roadmap: new PostgresRoadmapStore(db),
    sessions: new PostgresSessionStore(db),
    claims: new PostgresClaimRecordStore(db),
    events: new PostgresEventReader(db),
    checkpoints: new PostgresCheckpointStore(db),
    learnings: new PostgresLearningStore(db),
    decisions: new PostgresDecisionStore(db),
    knowledge: new PostgresKnowledgeIndex(db),
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
    choosing: guard(stores.choosing),
    roadmap: guard(stores.roadmap),
    sessions: guard(stores.sessions),
    claims: guard(stores.claims),
    events: guard(stores.events),
    checkpoints: guard(stores.checkpoints),
    learnings: guard(stores.learnings),
    decisions: guard(stores.decisions),
    knowledge: guard(stores.knowledge),
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
