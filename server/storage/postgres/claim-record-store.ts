import { and, asc, desc, eq, exists, inArray, type SQL, sql } from "drizzle-orm";
import type {
  ClaimEnd,
  ClaimRecord,
  ClaimRecordState,
  ClaimRecordStore,
  EndedClaim,
  ShrunkClaim,
} from "../../domain/claims/claim-record.ts";
import type { Touch } from "../../domain/claims/touch.ts";
import type { ClaimId, FeatureId, ProjectId, SessionId } from "../../domain/ids.ts";
import type { Queryable } from "./connect.ts";
import { claims, sessions } from "./schema/index.ts";

const ENDED = {
  id: claims.id,
  sessionId: claims.sessionId,
  fencingToken: claims.fencingToken,
  touches: claims.touches,
};

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

  async endOfFeature(featureId: FeatureId, how: ClaimEnd, time: Date): Promise<EndedClaim[]> {
    const rows = await this.db
      .update(claims)
      .set({ state: how === "drained" ? "draining" : "ending", lost: how !== "released", endTime: time })
      .where(and(eq(claims.featureId, featureId), sql`${claims.state} = 'held'`))
      .returning(ENDED);
    return rows.map(endedFromRow);
  }

  async markEnded(claimIds: readonly ClaimId[]): Promise<void> {
    if (claimIds.length === 0) return;
    await this.db
      .update(claims)
      .set({ state: "ended" })
      .where(and(inArray(claims.id, [...claimIds]), inArray(claims.state, ["ending", "draining"])));
  }

  async listEnding(projectId: ProjectId, limit: number): Promise<{ id: ClaimId; endTime: Date }[]> {
    const rows = await this.db
      .select({ id: claims.id, endTime: claims.endTime })
      .from(claims)
      .where(and(eq(claims.projectId, projectId), sql`${claims.state} = 'ending'`))
      .orderBy(asc(claims.endTime))
      .limit(limit);
    return rows.flatMap(({ id, endTime }) => (endTime === null ? [] : [{ id: id as ClaimId, endTime }]));
  }

  async listHeldOfFeature(featureId: FeatureId): Promise<ClaimRecord[]> {
    const held = await this.select(and(eq(claims.featureId, featureId), sql`${claims.state} = 'held'`));
    return held.reverse();
  }

  async end(claimIds: readonly ClaimId[], time: Date): Promise<EndedClaim[]> {
    if (claimIds.length === 0) return [];
    const rows = await this.db
      .update(claims)
      .set({ state: "ending", endTime: time })
      .where(and(inArray(claims.id, [...claimIds]), sql`${claims.state} = 'held'`))
      .returning(ENDED);
    return rows.map(endedFromRow);
  }

  async shrink(claimId: ClaimId, touches: readonly Touch[]): Promise<ShrunkClaim> {
    const [row] = await this.db
      .update(claims)
      .set({ touches, touchesRevision: sql`${claims.touchesRevision} + 1` })
      .where(eq(claims.id, claimId))
      .returning({ revision: claims.touchesRevision });
    return { id: claimId, touches, revision: row?.revision ?? 0 };
  }

  async markShrunk({ id, revision }: ShrunkClaim): Promise<void> {
    await this.db
      .update(claims)
      .set({ storedRevision: sql`greatest(${claims.storedRevision}, ${revision})` })
      .where(eq(claims.id, id));
  }

  async listShrunk(projectId: ProjectId, limit: number): Promise<ShrunkClaim[]> {
    const rows = await this.db
      .select({ id: claims.id, touches: claims.touches, revision: claims.touchesRevision })
      .from(claims)
      .where(
        and(
          eq(claims.projectId, projectId),
          sql`${claims.state} = 'held'`,
          sql`${claims.storedRevision} < ${claims.touchesRevision}`,
        ),
      )
      .limit(limit);
    return rows.map((row) => ({ ...row, id: row.id as ClaimId }));
  }

  async listDraining(projectId: ProjectId, limit: number): Promise<(ClaimRecord & { endTime: Date })[]> {
    const rows = await this.db
      .select()
      .from(claims)
      .where(and(eq(claims.projectId, projectId), sql`${claims.state} = 'draining'`))
      .orderBy(asc(claims.endTime))
      .limit(limit);
    return rows.flatMap(endedRecordOf);
  }

  async listEndedOfSession(
    sessionId: SessionId,
    fencingTokens: readonly bigint[],
  ): Promise<(ClaimRecord & { endTime: Date })[]> {
    const rows = await this.db
      .select()
      .from(claims)
      .where(and(eq(claims.sessionId, sessionId), inArray(claims.fencingToken, [...fencingTokens])))
      .orderBy(asc(claims.fencingToken));
    return rows.flatMap(endedRecordOf);
  }

  async countHeldTouches(): Promise<number> {
    const count = sql<number>`coalesce(sum(jsonb_array_length(${claims.touches})), 0)`;
    const [row] = await this.db
      .select({ count: count.mapWith(Number) })
      .from(claims)
      .where(sql`${claims.state} = 'held'`);
    return row?.count ?? 0;
  }

  async listHeld(projectId: ProjectId): Promise<ClaimRecord[]> {
    return this.select(and(eq(claims.projectId, projectId), sql`${claims.state} = 'held'`));
  }

  async lostOfSession(sessionId: SessionId, endTime: Date): Promise<ClaimRecord[]> {
    // One transaction ended both and stamped them alike.
    return this.select(and(eq(claims.sessionId, sessionId), eq(claims.lost, true), eq(claims.endTime, endTime)));
  }

  async findHeld(projectId: ProjectId, fencingToken: bigint): Promise<ClaimRecord | undefined> {
    const open = this.db
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(eq(sessions.id, claims.sessionId), eq(sessions.state, "open")));
    const [claim] = await this.select(
      and(
        eq(claims.projectId, projectId),
        eq(claims.fencingToken, fencingToken),
        sql`${claims.state} = 'held'`,
        exists(open),
      ),
    );
    return claim;
  }

  async featureOf(projectId: ProjectId, fencingToken: bigint): Promise<FeatureId | undefined> {
    const [claim] = await this.select(and(eq(claims.projectId, projectId), eq(claims.fencingToken, fencingToken)));
    return claim?.featureId;
  }

  async get(claimId: ClaimId): Promise<(ClaimRecord & { readonly state: ClaimRecordState }) | undefined> {
    const [claim] = await this.select(eq(claims.id, claimId));
    return claim;
  }

  private async select(where: SQL | undefined): Promise<(ClaimRecord & { state: ClaimRecordState })[]> {
    const rows = await this.db.select().from(claims).where(where).orderBy(desc(claims.acquireTime));
    return rows.flatMap((row) => recordOf(row) ?? []);
  }
}

/** Undefined for a void row: it stands for nothing. */
function recordOf(row: typeof claims.$inferSelect): (ClaimRecord & { state: ClaimRecordState }) | undefined {
  const { featureId, sessionId, fencingToken, acquireTime } = row;
  if (featureId === null || sessionId === null || fencingToken === null || acquireTime === null) return undefined;
  return {
    id: row.id as ClaimId,
    featureId: featureId as FeatureId,
    sessionId: sessionId as SessionId,
    fencingToken,
    touches: row.touches,
    replaces: row.replaces,
    acquireTime,
    state: row.state,
  };
}

/** Nothing for one that has not ended. */
function endedRecordOf(row: typeof claims.$inferSelect): (ClaimRecord & { endTime: Date })[] {
  const record = recordOf(row);
  return record === undefined || row.endTime === null ? [] : [{ ...record, endTime: row.endTime }];
}

/** Of a claim that was held: only void rows lack a session and a token. */
function endedFromRow(row: {
  readonly id: string;
  readonly sessionId: string | null;
  readonly fencingToken: bigint | null;
  readonly touches: readonly Touch[];
}): EndedClaim {
  const { id, sessionId, fencingToken, touches } = row;
  return { id: id as ClaimId, sessionId: sessionId as SessionId, fencingToken: fencingToken ?? 0n, touches };
}
