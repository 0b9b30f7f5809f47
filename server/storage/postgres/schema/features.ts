import { sql } from "drizzle-orm";
import {
  bigint,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import type { Touch } from "../../../domain/claims/touch.ts";
import type { FeatureStatus, StoredInterruption } from "../../../domain/features/feature.ts";
import { SEARCH_INDEX, search, time } from "./columns.ts";
import { projects } from "./projects.ts";

/**
 * Pieces of work. `lane` is 1 (now) to 4 (icebox), so that it sorts. While active, `session_id` and `claim_id` say who
 * holds it; `fencing_token` is the greatest it was ever picked under.
 */
export const features = pgTable(
  "features",
  {
    id: uuid("id").primaryKey(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    slug: text("slug").notNull(),
    title: text("title").notNull(),
    spec: text("spec").notNull(),
    status: text("status").$type<FeatureStatus>().notNull(),
    lane: smallint("lane").notNull(),
    position: doublePrecision("position").notNull(),
    touches: jsonb("touches").$type<readonly Touch[]>().notNull(),
    /** Raised when touches or dependencies change; a pick commits on what it read, or not at all. */
    revision: integer("revision").notNull().default(1),
    version: integer("version").notNull().default(1),
    sessionId: uuid("session_id"),
    claimId: uuid("claim_id"),
    fencingToken: bigint("fencing_token", { mode: "bigint" }).notNull().default(sql`0`),
    acquireTime: time("acquire_time"),
    interruption: jsonb("interruption").$type<StoredInterruption>(),
    landingBranch: text("landing_branch"),
    landingCommit: text("landing_commit"),
    createTime: time("create_time").notNull(),
    updateTime: time("update_time").notNull(),
    readyTime: time("ready_time"),
    doneTime: time("done_time"),
    search: search(`"title"`, `"spec"`),
    mergedTime: time("merged_time"),
    /** How often PickNextFeature passed it over, and since when; both forgotten when it is picked or leaves the queue. */
    passedOver: smallint("passed_over").notNull().default(0),
    passedOverSince: time("passed_over_since"),
  },
  (t) => [
    unique("features_slug_unique").on(t.projectId, t.slug),
    index("features_by_roadmap").on(t.projectId, t.lane, t.position, t.id),
    index("features_ready").on(t.projectId, t.lane, t.position, t.id).where(sql`${t.status} = 'ready'`),
    index("features_search").using("gin", t.search).with(SEARCH_INDEX),
    index("features_open")
      .on(t.projectId, t.lane, t.position, t.id)
      .where(sql`${t.status} in ('draft', 'ready', 'active')`),
    index("features_by_status").on(t.projectId, t.status, t.lane),
    index("features_unmerged")
      .on(t.projectId, t.doneTime)
      .where(sql`${t.status} = 'done' and ${t.landingBranch} is not null and ${t.mergedTime} is null`),
    uniqueIndex("features_one_active_per_session").on(t.sessionId).where(sql`${t.status} = 'active'`),
  ],
);

/** Which features must be done before which, in the order given. */
export const featureDependencies = pgTable(
  "feature_dependencies",
  {
    featureId: uuid("feature_id")
      .notNull()
      .references(() => features.id, { onDelete: "cascade" }),
    dependsOnId: uuid("depends_on_id")
      .notNull()
      .references(() => features.id),
    ordinal: smallint("ordinal").notNull(),
  },
  (t) => [
    primaryKey({ name: "feature_dependencies_pkey", columns: [t.featureId, t.dependsOnId] }),
    index("feature_dependencies_by_target").on(t.dependsOnId),
  ],
);
