import { and, eq, getTableColumns, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Feature } from "../../domain/features/feature.ts";
import type { Slug } from "../../domain/ids.ts";
import type { Queryable } from "./connect.ts";
import { type FeatureRow, featureFromRow } from "./feature-row.ts";
import { engineers, featureDependencies, features, sessions } from "./schema/index.ts";

const dependency = alias(features, "dependency");

/** Slugs that a feature depends on, in the order given. As JSON: the driver does not know arrays. */
const dependsOn = sql<Slug[]>`to_json(array(
  select ${dependency.slug} from ${featureDependencies} join ${features} as "dependency"
    on ${dependency.id} = ${featureDependencies.dependsOnId}
  where ${featureDependencies.featureId} = ${features.id} order by ${featureDependencies.ordinal}))`;

/** Whether every feature that this one depends on is done. */
export const dependenciesDone = sql`not exists (
  select from ${featureDependencies} join ${features} as "dependency"
    on ${dependency.id} = ${featureDependencies.dependsOnId}
  where ${featureDependencies.featureId} = ${features.id} and ${dependency.status} <> 'done')`;

/** Neither done nor cancelled: spelled as the partial index is, so that the planner can tell that it serves. */
export const isOpen = sql`${features.status} in ('draft', 'ready', 'active')`;

/** Ready, spelled the same way. */
export const isReady = sql`${features.status} = 'ready'`;

/** Done on a branch, and not known to be in the main one; spelled the same way. */
export const isUnmerged = sql`${features.status} = 'done' and ${features.landingBranch} is not null and ${features.mergedTime} is null`;

/** The order of work. */
export const IN_ORDER = [features.lane, features.position, features.id] as const;

// What features are found by is for the search alone.
const { search: _search, ...columns } = getTableColumns(features);

/**
 * Features as `featureFromRow` reads them: whole, without their specs where nobody sees those, or, where very many are
 * read, also without what they depend on, which would be looked up for each.
 */
export function selectFeatures(db: Queryable, where: SQL | undefined, what: "whole" | "without-spec" | "own-row") {
  return db
    .select({
      feature: what === "whole" ? columns : { ...columns, spec: sql<string>`''`.as("spec") },
      dependsOn: (what === "own-row" ? sql<Slug[]>`'[]'::json` : dependsOn).as("depends_on"),
      engineerId: sessions.engineerId,
      engineerName: engineers.name,
      agent: sessions.agent,
    })
    .from(features)
    .leftJoin(sessions, and(eq(sessions.id, features.sessionId), sql`${features.status} = 'active'`))
    .leftJoin(engineers, eq(engineers.id, sessions.engineerId))
    .where(where)
    .$dynamic();
}

const decoders = Object.entries(columns);

/**
 * The features of a query of `selectFeatures`. Drizzle finds out how to read each cell of each row anew, which for a
 * thousand features takes longer than asking for them; here every column is known by its name, and no two have the same.
 */
export async function readFeatures(db: Queryable, query: SQLWrapper): Promise<Feature[]> {
  const rows = await db.execute(query);
  return rows.map((row) => {
    const feature: Record<string, unknown> = {};
    for (const [key, column] of decoders) {
      const value = row[column.name];
      feature[key] = value === null ? null : column.mapFromDriverValue(value);
    }
    const { depends_on: dependsOn, engineer_id: engineerId, name: engineerName, agent } = row;
    return featureFromRow({ feature, dependsOn, engineerId, engineerName, agent } as FeatureRow);
  });
}
