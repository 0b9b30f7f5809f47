import { and, asc, desc, eq, inArray, isNotNull, lt, ne, type SQL, sql } from "drizzle-orm";
import type {
  Feature,
  FeatureStatus,
  Interruption,
  Landing,
  Lane,
  StoredInterruption,
} from "../../domain/features/feature.ts";
import {
  type Activation,
  type FeatureChanges,
  type FeatureCounts,
  type FeatureFilter,
  type FeatureListKey,
  type FeatureOutline,
  type FeatureReference,
  type FeatureStore,
  type NewFeature,
  SessionBusyConflict,
  type TouchedFeature,
} from "../../domain/features/feature-store.ts";
import type { ClaimId, FeatureId, ProjectId, SessionId, Slug } from "../../domain/ids.ts";
import { type Page, type PageRequest, pageOf } from "../../domain/page.ts";
import { type Queryable, violatedConstraint } from "./connect.ts";
import {
  dependenciesDone,
  IN_ORDER,
  isOpen,
  isReady,
  isUnmerged,
  readFeatures,
  selectFeatures,
} from "./feature-query.ts";
import { laneFrom, laneNumber } from "./feature-row.ts";
import { featureDependencies, features } from "./schema/index.ts";

/** Features in PostgreSQL. */
export class PostgresFeatureStore implements FeatureStore {
  constructor(private readonly db: Queryable) {}

  async insert(feature: NewFeature): Promise<boolean> {
    const { id, projectId, slug, title, spec, touches, time } = feature;
    const lane = laneNumber(feature.lane);
    const inserted = await this.db
      .insert(features)
      .values({
        id,
        projectId,
        slug,
        title,
        spec,
        status: "draft",
        lane,
        position: endOfLane(projectId, lane),
        touches,
        createTime: time,
        updateTime: time,
      })
      .onConflictDoNothing()
      .returning({ id: features.id });
    if (inserted.length === 0) return false;
    await this.setDependencies(id, feature.dependsOn);
    return true;
  }

  async get(projectId: ProjectId, slug: Slug): Promise<Feature | undefined> {
    return this.first(and(eq(features.projectId, projectId), eq(features.slug, slug)));
  }

  async getLocked(projectId: ProjectId, slug: Slug): Promise<Feature | undefined> {
    const where = and(eq(features.projectId, projectId), eq(features.slug, slug));
    await this.db.select({ id: features.id }).from(features).where(where).for("update");
    return this.first(where);
  }

  async getMany(ids: readonly FeatureId[]): Promise<Feature[]> {
    if (ids.length === 0) return [];
    return readFeatures(this.db, this.select(inArray(features.id, [...ids])));
  }

  async findIds(projectId: ProjectId, slugs: readonly Slug[]): Promise<ReadonlyMap<Slug, FeatureId>> {
    if (slugs.length === 0) return new Map();
    const rows = await this.db
      .select({ id: features.id, slug: features.slug })
      .from(features)
      .where(and(eq(features.projectId, projectId), inArray(features.slug, [...slugs])));
    return new Map(rows.map((row) => [row.slug as Slug, row.id as FeatureId]));
  }

  async list(
    projectId: ProjectId,
    filter: FeatureFilter,
    page: PageRequest<FeatureListKey>,
  ): Promise<Page<Feature, FeatureListKey>> {
    const { statuses, lanes, unmerged } = filter;
    return this.page(
      and(
        eq(features.projectId, projectId),
        unmerged ? isUnmerged : undefined,
        statuses.length > 0 ? inArray(features.status, [...statuses]) : undefined,
        lanes.length > 0 ? inArray(features.lane, lanes.map(laneNumber)) : undefined,
      ),
      page,
    );
  }

  async listReady(projectId: ProjectId, page: PageRequest<FeatureListKey>): Promise<Page<Feature, FeatureListKey>> {
    return this.page(and(eq(features.projectId, projectId), isReady, dependenciesDone), page);
  }

  async activeOfSession(sessionId: SessionId): Promise<Feature | undefined> {
    return this.first(and(eq(features.sessionId, sessionId), sql`${features.status} = 'active'`));
  }

  async unmet(id: FeatureId): Promise<FeatureReference[]> {
    const rows = await this.db
      .select({ slug: features.slug, status: features.status })
      .from(featureDependencies)
      .innerJoin(features, eq(features.id, featureDependencies.dependsOnId))
      .where(and(eq(featureDependencies.featureId, id), ne(features.status, "done")))
      .orderBy(asc(featureDependencies.ordinal));
    return rows.map((row) => ({ slug: row.slug as Slug, status: row.status }));
  }

  async dependents(id: FeatureId): Promise<FeatureReference[]> {
    const rows = await this.db
      .select({ slug: features.slug, status: features.status })
      .from(featureDependencies)
      .innerJoin(features, eq(features.id, featureDependencies.featureId))
      .where(and(eq(featureDependencies.dependsOnId, id), ne(features.status, "cancelled")))
      .orderBy(asc(features.slug));
    return rows.map((row) => ({ slug: row.slug as Slug, status: row.status }));
  }

  async lockDependencies(projectId: ProjectId): Promise<void> {
    await this.db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`dependencies:${projectId}`}, 0))`);
  }

  async dependencyPath(from: readonly FeatureId[], to: FeatureId): Promise<Slug[] | undefined> {
    if (from.length === 0) return undefined;
    // Breadth first over distinct features, so that a dense graph costs no more than its edges.
    const cameFrom = new Map<FeatureId, FeatureId | undefined>(from.map((id) => [id, undefined]));
    for (let frontier: FeatureId[] = [...cameFrom.keys()]; frontier.length > 0; ) {
      if (cameFrom.has(to)) return this.slugsOf(wayTo(to, cameFrom));
      const edges = await this.db
        .select({ from: featureDependencies.featureId, to: featureDependencies.dependsOnId })
        .from(featureDependencies)
        .where(inArray(featureDependencies.featureId, frontier));
      frontier = [];
      for (const edge of edges) {
        const next = edge.to as FeatureId;
        if (cameFrom.has(next)) continue;
        cameFrom.set(next, edge.from as FeatureId);
        frontier.push(next);
      }
    }
    return cameFrom.has(to) ? this.slugsOf(wayTo(to, cameFrom)) : undefined;
  }

  async update(id: FeatureId, changes: FeatureChanges, time: Date): Promise<void> {
    const { title, spec, touches, status } = changes;
    const lane = changes.lane === undefined ? undefined : laneNumber(changes.lane);
    await this.db
      .update(features)
      .set({
        title,
        spec,
        status,
        touches,
        revision: touches === undefined && changes.dependsOn === undefined ? undefined : sql`${features.revision} + 1`,
        lane,
        position: lane === undefined ? undefined : endOfLane(features.projectId, lane),
        readyTime: status === "ready" ? time : undefined,
        ...(status === undefined ? {} : NOT_PASSED_OVER),
        version: sql`${features.version} + 1`,
        updateTime: time,
      })
      .where(eq(features.id, id));
    if (changes.dependsOn !== undefined) {
      await this.db.delete(featureDependencies).where(eq(featureDependencies.featureId, id));
      await this.setDependencies(id, changes.dependsOn);
    }
  }

  async markMerged(id: FeatureId, time: Date): Promise<void> {
    await this.db
      .update(features)
      .set({ mergedTime: time, version: sql`${features.version} + 1`, updateTime: time })
      .where(eq(features.id, id));
  }

  async delete(id: FeatureId): Promise<void> {
    await this.db.delete(featureDependencies).where(eq(featureDependencies.dependsOnId, id));
    await this.db.delete(features).where(eq(features.id, id));
  }

  async activate(activation: Activation): Promise<boolean> {
    return this.hand(activation, and(eq(features.status, "ready"), dependenciesDone));
  }

  async takeOver(activation: Activation, from: ClaimId): Promise<boolean> {
    return this.hand(activation, and(eq(features.status, "active"), eq(features.claimId, from)));
  }

  async endHold(
    hold: { projectId: ProjectId; slug: Slug; sessionId: SessionId; fencingToken: bigint },
    to: "ready" | "done" | "cancelled",
    landing: Landing | undefined,
    time: Date,
  ): Promise<FeatureId | undefined> {
    return this.endActive(
      and(
        eq(features.projectId, hold.projectId),
        eq(features.slug, hold.slug),
        eq(features.sessionId, hold.sessionId),
        eq(features.fencingToken, hold.fencingToken),
      ),
      { ...ending(to, time), interruption: null, landingBranch: landing?.branch, landingCommit: landing?.commit },
    );
  }

  async endHoldOfSession(
    sessionId: SessionId,
    to: "ready" | "cancelled",
    interruption: Interruption | undefined,
    time: Date,
  ): Promise<FeatureId | undefined> {
    const stored: StoredInterruption | null =
      interruption === undefined ? null : { ...interruption, time: interruption.time.toISOString() };
    return this.endActive(eq(features.sessionId, sessionId), { ...ending(to, time), interruption: stored });
  }

  async listTouched(projectId: ProjectId, limit: number): Promise<TouchedFeature[]> {
    const rows = await this.db
      .select({ id: features.id, status: features.status, touches: features.touches })
      .from(features)
      .where(and(eq(features.projectId, projectId), ne(features.status, "cancelled")))
      .orderBy(desc(features.createTime))
      .limit(limit);
    return rows.map((row) => ({ ...row, id: row.id as FeatureId }));
  }

  async count(projectId: ProjectId): Promise<FeatureCounts> {
    const rows = await this.db
      .select({ status: features.status, lane: features.lane, count: sql<number>`count(*)::int` })
      .from(features)
      .where(eq(features.projectId, projectId))
      .groupBy(features.status, features.lane);
    const byStatus = new Map<FeatureStatus, number>();
    const byLane = new Map<Lane, number>();
    for (const { status, lane, count } of rows) {
      byStatus.set(status, (byStatus.get(status) ?? 0) + count);
      if (status === "done" || status === "cancelled") continue;
      byLane.set(laneFrom(lane), (byLane.get(laneFrom(lane)) ?? 0) + count);
    }
    return { byStatus, byLane };
  }

  async outlineOpen(projectId: ProjectId, limit: number): Promise<FeatureOutline[]> {
    const { id, slug, title, status, lane, touches, passedOver } = features;
    const rows = await this.db
      .select({ id, slug, title, status, lane, touches, passedOver })
      .from(features)
      .where(and(eq(features.projectId, projectId), isOpen))
      .orderBy(...IN_ORDER)
      .limit(limit);
    return rows.map((row) => ({
      ...row,
      id: row.id as FeatureId,
      slug: row.slug as Slug,
      lane: laneFrom(row.lane),
    }));
  }

  async listInterrupted(projectId: ProjectId, limit: number): Promise<Feature[]> {
    const where = and(eq(features.projectId, projectId), isReady, isNotNull(features.interruption));
    const query = selectFeatures(this.db, where, "without-spec");
    return readFeatures(this.db, query.orderBy(desc(features.readyTime)).limit(limit));
  }

  /** Makes a feature active under a claim, where it is as that claim found it. */
  private async hand(activation: Activation, where: SQL | undefined): Promise<boolean> {
    const { featureId, sessionId, claimId, fencingToken, revision, time } = activation;
    try {
      const changed = await this.db
        .update(features)
        .set({
          status: "active",
          sessionId,
          claimId,
          fencingToken,
          acquireTime: time,
          ...NOT_PASSED_OVER,
          version: sql`${features.version} + 1`,
          updateTime: time,
        })
        .where(
          and(
            eq(features.id, featureId),
            eq(features.revision, revision),
            lt(features.fencingToken, fencingToken),
            where,
          ),
        )
        .returning({ id: features.id });
      return changed.length === 1;
    } catch (error) {
      if (violatedConstraint(error) === "features_one_active_per_session") throw new SessionBusyConflict();
      throw error;
    }
  }

  private select(where: SQL | undefined) {
    return selectFeatures(this.db, where, "whole");
  }

  private async first(where: SQL | undefined): Promise<Feature | undefined> {
    const [feature] = await readFeatures(this.db, this.select(where).limit(1));
    return feature;
  }

  private async page(
    where: SQL | undefined,
    { size, after }: PageRequest<FeatureListKey>,
  ): Promise<Page<Feature, FeatureListKey>> {
    const beyond =
      after &&
      sql`(${features.lane}, ${features.position}, ${features.id}) > (${laneNumber(after.lane)}, ${after.position}::float8, ${after.id}::uuid)`;
    const query = this.select(and(where, beyond)).orderBy(...IN_ORDER);
    return pageOf(await readFeatures(this.db, query.limit(size + 1)), size, ({ lane, position, id }) => ({
      lane,
      position,
      id,
    }));
  }

  private async endActive(where: SQL | undefined, changes: Partial<typeof features.$inferInsert>) {
    const [row] = await this.db
      .update(features)
      .set({ ...changes, version: sql`${features.version} + 1` })
      .where(and(where, sql`${features.status} = 'active'`))
      .returning({ id: features.id });
    return row?.id as FeatureId | undefined;
  }

  private async setDependencies(id: FeatureId, ids: readonly FeatureId[]): Promise<void> {
    if (ids.length === 0) return;
    await this.db
      .insert(featureDependencies)
      .values(ids.map((dependsOnId, ordinal) => ({ featureId: id, dependsOnId, ordinal })));
  }

  private async slugsOf(ids: readonly FeatureId[]): Promise<Slug[]> {
    const byId = new Map((await this.getMany(ids)).map((feature) => [feature.id, feature.slug]));
    return ids.flatMap((id) => byId.get(id) ?? []);
  }
}

/** Of features that are picked or leave the queue. */
const NOT_PASSED_OVER = { passedOver: 0, passedOverSince: null };

function ending(to: "ready" | "done" | "cancelled", time: Date) {
  return {
    status: to,
    sessionId: null,
    claimId: null,
    acquireTime: null,
    updateTime: time,
    readyTime: to === "ready" ? time : undefined,
    doneTime: to === "done" ? time : undefined,
  };
}

/** A position after everything in the lane; two at the same time may get the same, then the id decides. */
function endOfLane(projectId: ProjectId | typeof features.projectId, lane: number) {
  return sql`(select coalesce(max(f.position), 0) + 1 from ${features} f where f.project_id = ${projectId} and f.lane = ${lane})`;
}

function wayTo(to: FeatureId, cameFrom: ReadonlyMap<FeatureId, FeatureId | undefined>): FeatureId[] {
  const way: FeatureId[] = [];
  for (let id: FeatureId | undefined = to; id !== undefined; id = cameFrom.get(id)) way.unshift(id);
  return way;
}
