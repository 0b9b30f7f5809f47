import { and, asc, desc, eq, ne, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Feature, Lane } from "../../domain/features/feature.ts";
import type { FeatureReference } from "../../domain/features/feature-store.ts";
import type { FeatureId, ProjectId, Slug } from "../../domain/ids.ts";
import type { Destination, RoadmapStore } from "../../domain/roadmap/roadmap-store.ts";
import type { Queryable } from "./connect.ts";
import { IN_ORDER, isOpen, readFeatures, selectFeatures } from "./feature-query.ts";
import { laneNumber } from "./feature-row.ts";
import { featureDependencies, features, projects } from "./schema/index.ts";

type Place = { readonly id: string; readonly position: number };

/**
 * The order of features in PostgreSQL: a position within the lane, halfway between its neighbours' after a move. Where
 * nothing is left between the two, or two have the same, the lane is renumbered in the same transaction: that costs one
 * statement once in about fifty moves to one place, and keeps positions plain numbers that sort by themselves.
 */
export class PostgresRoadmapStore implements RoadmapStore {
  constructor(private readonly db: Queryable) {}

  async list(projectId: ProjectId, lane: Lane, closed: boolean, limit: number): Promise<Feature[]> {
    const query = selectFeatures(this.db, inLane(projectId, lane, closed), "own-row");
    return readFeatures(this.db, query.orderBy(...IN_ORDER).limit(limit));
  }

  async count(projectId: ProjectId, lane: Lane, closed: boolean): Promise<number> {
    return this.db.$count(features, inLane(projectId, lane, closed));
  }

  async dependencies(projectId: ProjectId, closed: boolean): Promise<ReadonlyMap<FeatureId, FeatureReference[]>> {
    const dependency = alias(features, "dependency");
    const rows = await this.db
      .select({ id: features.id, slug: dependency.slug, status: dependency.status })
      .from(features)
      .innerJoin(featureDependencies, eq(featureDependencies.featureId, features.id))
      .innerJoin(dependency, eq(dependency.id, featureDependencies.dependsOnId))
      .where(and(eq(features.projectId, projectId), closed ? undefined : isOpen))
      .orderBy(asc(features.id), asc(featureDependencies.ordinal));
    const found = new Map<FeatureId, FeatureReference[]>();
    for (const { id, slug, status } of rows) {
      const reference = { slug: slug as Slug, status };
      const others = found.get(id as FeatureId);
      if (others === undefined) found.set(id as FeatureId, [reference]);
      else others.push(reference);
    }
    return found;
  }

  async version(projectId: ProjectId): Promise<number> {
    const [row] = await this.db
      .select({ version: projects.roadmapVersion })
      .from(projects)
      .where(eq(projects.id, projectId));
    return row?.version ?? 0;
  }

  async lock(projectId: ProjectId): Promise<void> {
    await this.db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`roadmap:${projectId}`}, 0))`);
  }

  async move(feature: Feature, { lane, before }: Destination, time: Date): Promise<boolean> {
    let [previous, next] = await this.neighbours(feature, lane, before);
    if (feature.lane === lane && isBetween(feature, previous, next)) return false;
    if (previous !== undefined && next !== undefined && !hasRoom(previous, next)) {
      await this.renumber(feature.projectId, lane);
      [previous, next] = await this.neighbours(feature, lane, before);
    }
    await this.db
      .update(features)
      .set({
        lane: laneNumber(lane),
        position: positionBetween(previous, next),
        version: sql`${features.version} + 1`,
        updateTime: time,
      })
      .where(eq(features.id, feature.id));
    return true;
  }

  async countMove(projectId: ProjectId): Promise<number> {
    const [row] = await this.db
      .update(projects)
      .set({ roadmapVersion: sql`${projects.roadmapVersion} + 1` })
      .where(eq(projects.id, projectId))
      .returning({ version: projects.roadmapVersion });
    return row?.version ?? 0;
  }

  /** What would stand right before and right after the feature. */
  private async neighbours(
    feature: Feature,
    lane: Lane,
    before: FeatureId | undefined,
  ): Promise<[Place | undefined, Place | undefined]> {
    const others = and(inLane(feature.projectId, lane, true), ne(features.id, feature.id));
    const [next] = before === undefined ? [] : await this.places(eq(features.id, before)).limit(1);
    const ahead = next && sql`(${features.position}, ${features.id}) < (${next.position}::float8, ${next.id}::uuid)`;
    const [previous] = await this.places(and(others, ahead))
      .orderBy(desc(features.position), desc(features.id))
      .limit(1);
    return [previous, next];
  }

  private places(where: SQL | undefined) {
    return this.db.select({ id: features.id, position: features.position }).from(features).where(where).$dynamic();
  }

  /**
   * Gives the lane whole numbers, one apart, downwards from the position that its last has: what is appended at the same
   * moment still comes after all of them. It changes no order, so it is no change of those features.
   */
  private async renumber(projectId: ProjectId, lane: Lane): Promise<void> {
    // Locked in the order of their ids, as everybody locks several features.
    const rows = await this.places(inLane(projectId, lane, true))
      .orderBy(asc(features.id))
      .for("no key update");
    rows.sort((a, b) => (isAfter(a, b) ? 1 : -1));
    const top = Math.ceil(rows.at(-1)?.position ?? 0);
    const ids = rows.map((row) => row.id);
    await this.db.execute(sql`
      update ${features} set position = ${top - ids.length}::float8 + numbered.ordinal
      from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) with ordinality as numbered (id, ordinal)
      where ${features.id} = numbered.id::uuid`);
  }
}

function inLane(projectId: ProjectId, lane: Lane, closed: boolean): SQL | undefined {
  return and(eq(features.projectId, projectId), eq(features.lane, laneNumber(lane)), closed ? undefined : isOpen);
}

/** Features are ordered by position, then id. */
function isBetween(feature: Place, previous: Place | undefined, next: Place | undefined): boolean {
  return (previous === undefined || isAfter(feature, previous)) && (next === undefined || isAfter(next, feature));
}

function isAfter(one: Place, other: Place): boolean {
  return one.position > other.position || (one.position === other.position && one.id > other.id);
}

function hasRoom(previous: Place, next: Place): boolean {
  const between = positionBetween(previous, next);
  return between > previous.position && between < next.position;
}

function positionBetween(previous: Place | undefined, next: Place | undefined): number {
  if (previous === undefined) return next === undefined ? 1 : next.position - 1;
  return next === undefined ? previous.position + 1 : previous.position + (next.position - previous.position) / 2;
}
