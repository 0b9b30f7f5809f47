import { and, count, desc, eq, gt, inArray, isNull, lt, or, sql } from "drizzle-orm";
import type { ApiKey, ApiKeyListKey, ApiKeyStore } from "../../domain/auth/api-key.ts";
import type { EngineerId } from "../../domain/ids.ts";
import { type Page, type PageRequest, pageOf } from "../../domain/page.ts";
import type { Queryable } from "./connect.ts";
import { apiKeys, engineers } from "./schema/index.ts";

const MINUTE_MS = 60_000;

/** API keys in PostgreSQL. */
export class PostgresApiKeyStore implements ApiKeyStore {
  constructor(private readonly db: Queryable) {}

  async insert(key: ApiKey, secretHash: string): Promise<void> {
    await this.db.insert(apiKeys).values({ ...key, secretHash });
  }

  async findLive(
    id: string,
    now: Date,
  ): Promise<{ key: ApiKey; secretHash: string; engineerName: string } | undefined> {
    const [row] = await this.db
      .select({ key: apiKeys, engineerName: engineers.name })
      .from(apiKeys)
      .innerJoin(engineers, eq(engineers.id, apiKeys.engineerId))
      .where(and(eq(apiKeys.id, id), isLive(now)));
    return row && { key: apiKeyFromRow(row.key), secretHash: row.key.secretHash, engineerName: row.engineerName };
  }

  async whichLive(ids: readonly string[], now: Date): Promise<ReadonlySet<string>> {
    const rows = await this.db
      .select({ id: apiKeys.id })
      .from(apiKeys)
      .where(and(inArray(apiKeys.id, [...ids]), isLive(now)));
    return new Set(rows.map((row) => row.id));
  }

  async count(engineerId: EngineerId): Promise<number> {
    // Keys that come after this count wait for its transaction, so that two can't both be the last that is allowed.
    await this.db.select({ id: engineers.id }).from(engineers).where(eq(engineers.id, engineerId)).for("no key update");
    const [row] = await this.db.select({ keys: count() }).from(apiKeys).where(notRevoked(engineerId));
    return row?.keys ?? 0;
  }

  async list(engineerId: EngineerId, page: PageRequest<ApiKeyListKey>): Promise<Page<ApiKey, ApiKeyListKey>> {
    const { size, after } = page;
    const older =
      after &&
      sql`(${apiKeys.createTime}, ${apiKeys.id}) < (${after.createTime.toISOString()}::timestamptz, ${after.id})`;
    const rows = await this.db
      .select()
      .from(apiKeys)
      .where(and(notRevoked(engineerId), older))
      .orderBy(desc(apiKeys.createTime), desc(apiKeys.id))
      .limit(size + 1);
    return pageOf(rows.map(apiKeyFromRow), size, ({ createTime, id }) => ({ createTime, id }));
  }

  async revoke(engineerId: EngineerId, id: string, now: Date): Promise<{ key: ApiKey; now: boolean } | undefined> {
    const ofEngineer = and(eq(apiKeys.id, id), eq(apiKeys.engineerId, engineerId));
    const [revoked] = await this.db
      .update(apiKeys)
      .set({ revokeTime: now })
      .where(and(ofEngineer, isNull(apiKeys.revokeTime)))
      .returning();
    const [row] = revoked === undefined ? await this.db.select().from(apiKeys).where(ofEngineer) : [revoked];
    return row && { key: apiKeyFromRow(row), now: revoked !== undefined };
  }

  async revokeAll(engineerId: EngineerId, now: Date): Promise<ApiKey[]> {
    const revoked = await this.db.update(apiKeys).set({ revokeTime: now }).where(notRevoked(engineerId)).returning();
    return revoked.map(apiKeyFromRow);
  }

  async touch(id: string, now: Date): Promise<void> {
    const minute = new Date(Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS);
    await this.db
      .update(apiKeys)
      .set({ lastUsedTime: minute })
      .where(and(eq(apiKeys.id, id), or(isNull(apiKeys.lastUsedTime), lt(apiKeys.lastUsedTime, minute))));
  }
}

function isLive(now: Date) {
  return and(isNull(apiKeys.revokeTime), or(isNull(apiKeys.expireTime), gt(apiKeys.expireTime, now)));
}

function notRevoked(engineerId: EngineerId) {
  return and(eq(apiKeys.engineerId, engineerId), isNull(apiKeys.revokeTime));
}

function apiKeyFromRow(row: typeof apiKeys.$inferSelect): ApiKey {
  const { id, engineerId, name, lastFour, scope, createTime, lastUsedTime, expireTime } = row;
  return {
    id,
    engineerId: engineerId as EngineerId,
    name,
    lastFour,
    scope,
    createTime,
    lastUsedTime: lastUsedTime ?? undefined,
    expireTime: expireTime ?? undefined,
  };
}
