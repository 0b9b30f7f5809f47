import { and, asc, desc, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { ClaimRecord, ClaimRecordState, ClaimRecordStore } from "../../domain/claims/claim-record.ts";
import type { ClaimId, FeatureId, ProjectId, SessionId } from "../../domain/ids.ts";
import type { Queryable } from "./connect.ts";
import { claims } from "./schema/index.ts";

/** Claim intents in PostgreSQL. */
export class PostgresClaimRecordStore implements ClaimRecordStore {
  constructor(private readonly db: Queryable) {}

  async insertHeld(projectId: ProjectId, claim: ClaimRecord): Promise<boolean> {
    const inserted = await this.db
      .insert(claims)
      .values({ ...claim, projectId, state: "held" })
      .onConflictDoNothing({ target: claims.id })
      .returning({ id: claims.id });
    return inserted.length === 1;
  }

  async voidUnlessCommitted(projectId: ProjectId, claimId: ClaimId): Promise<ClaimRecordState> {
    await this.db
      .insert(claims)
      .values({ id: claimId, projectId, state: "void", touches: [] })
      .onConflictDoNothing({ target: claims.id });
    const [row] = await this.db.select({ state: claims.state }).from(claims).where(eq(claims.id, claimId));
    return row?.state ?? "void";
  }

  async endOfFeature(featureId: FeatureId, how: "released" | "lost", time: Date): Promise<ClaimId[]> {
    const rows = await this.db
      .update(claims)
      .set({ state: "ending", lost: how === "lost", endTime: time })
      .where(and(eq(claims.featureId, featureId), sql`${claims.state} = 'held'`))
      .returning({ id: claims.id });
    return rows.map((row) => row.id as ClaimId);
  }

  async markEnded(claimIds: readonly ClaimId[]): Promise<void> {
    if (claimIds.length === 0) return;
    await this.db
      .update(claims)
      .set({ state: "ended" })
      .where(and(inArray(claims.id, [...claimIds]), eq(claims.state, "ending")));
  }

  async listEnding(projectId: ProjectId, limit: number): Promise<ClaimId[]> {
    const rows = await this.db
      .select({ id: claims.id })
      .from(claims)
      .where(and(eq(claims.projectId, projectId), sql`${claims.state} = 'ending'`))
      .orderBy(asc(claims.endTime))
      .limit(limit);
    return rows.map((row) => row.id as ClaimId);
  }

  async listHeld(projectId: ProjectId): Promise<ClaimRecord[]> {
    return this.select(and(eq(claims.projectId, projectId), sql`${claims.state} = 'held'`));
  }

  async lostOfSession(sessionId: SessionId): Promise<ClaimRecord | undefined> {
    const [claim] = await this.select(and(eq(claims.sessionId, sessionId), eq(claims.lost, true)));
    return claim;
  }

  async get(claimId: ClaimId): Promise<(ClaimRecord & { readonly state: ClaimRecordState }) | undefined> {
    const [claim] = await this.select(eq(claims.id, claimId));
    return claim;
  }

  private async select(where: SQL | undefined): Promise<(ClaimRecord & { state: ClaimRecordState })[]> {
    const rows = await this.db.select().from(claims).where(where).orderBy(desc(claims.acquireTime));
    return rows.flatMap((row) => {
      const { featureId, sessionId, fencingToken, acquireTime } = row;
      // Only void rows lack any of these, and they stand for nothing.
      if (featureId === null || sessionId === null || fencingToken === null || acquireTime === null) return [];
      return {
        id: row.id as ClaimId,
        featureId: featureId as FeatureId,
        sessionId: sessionId as SessionId,
        fencingToken,
        touches: row.touches,
        acquireTime,
        state: row.state,
      };
    });
  }
}
