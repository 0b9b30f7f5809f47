import { and, asc, desc, eq, inArray, lt, ne, not, sql } from "drizzle-orm";
import {
  type Candidate,
  type ChoosingStore,
  MAX_PASSES,
  type UnmergedFeature,
} from "../../domain/features/choosing-store.ts";
import type { FeatureId, ProjectId, Slug } from "../../domain/ids.ts";
import type { Queryable } from "./connect.ts";
import { dependenciesDone, IN_ORDER, isReady, isUnmerged } from "./feature-query.ts";
import { laneFrom } from "./feature-row.ts";
import { features } from "./schema/index.ts";

/** What choosing work reads and notes, in PostgreSQL. */
export class PostgresChoosingStore implements ChoosingStore {
  constructor(private readonly db: Queryable) {}

  async listCandidates(projectId: ProjectId, limit: number): Promise<Candidate[]> {
    const rows = await this.db
      .select({
        id: features.id,
        slug: features.slug,
        lane: features.lane,
        position: features.position,
        touches: features.touches,
        interruption: features.interruption,
        passedOver: features.passedOver,
        passedOverSince: features.passedOverSince,
      })
      .from(features)
      .where(and(eq(features.projectId, projectId), isReady, dependenciesDone))
      .orderBy(...IN_ORDER)
      .limit(limit);
    return rows.map(({ interruption, ...row }) => ({
      ...row,
      id: row.id as FeatureId,
      slug: row.slug as Slug,
      lane: laneFrom(row.lane),
      interruption:
        interruption === null ? undefined : { sessionId: interruption.sessionId, time: new Date(interruption.time) },
      passedOverSince: row.passedOverSince ?? undefined,
    }));
  }

  async countUnmet(projectId: ProjectId): Promise<number> {
    return this.db.$count(features, and(eq(features.projectId, projectId), isReady, not(dependenciesDone)));
  }

  async countPasses(ids: readonly FeatureId[], time: Date): Promise<void> {
    if (ids.length === 0) return;
    // In the order of their ids, as everybody locks several features.
    const passed = this.db
      .select({ id: features.id })
      .from(features)
      .where(and(inArray(features.id, [...ids]), isReady, lt(features.passedOver, MAX_PASSES)))
      .orderBy(asc(features.id))
      .for("no key update");
    await this.db
      .update(features)
      .set({
        passedOver: sql`${features.passedOver} + 1`,
        passedOverSince: sql`coalesce(${features.passedOverSince}, ${time.toISOString()}::timestamptz)`,
      })
      .where(inArray(features.id, passed));
  }

  async listUnmerged(projectId: ProjectId, exceptBranch: string, limit: number): Promise<UnmergedFeature[]> {
    const elsewhere = exceptBranch === "" ? undefined : ne(features.landingBranch, exceptBranch);
    const rows = await this.db
      .select({
        slug: features.slug,
        title: features.title,
        touches: features.touches,
        branch: features.landingBranch,
        commit: features.landingCommit,
        doneTime: features.doneTime,
      })
      .from(features)
      .where(and(eq(features.projectId, projectId), isUnmerged, elsewhere))
      .orderBy(desc(features.doneTime))
      .limit(limit);
    return rows.map(({ branch, commit, ...row }) => ({
      ...row,
      slug: row.slug as Slug,
      landing: { branch: branch ?? "", commit: commit ?? "" },
      doneTime: row.doneTime ?? undefined,
    }));
  }
}
