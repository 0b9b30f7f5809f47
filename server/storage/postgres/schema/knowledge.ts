import { sql } from "drizzle-orm";
import { type AnyPgColumn, bigint, index, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import type { Touch } from "../../../domain/claims/touch.ts";
import { SEARCH_INDEX, search, time } from "./columns.ts";
import { engineers } from "./engineers.ts";
import { projects } from "./projects.ts";
import { sessions } from "./sessions.ts";

// What is known is kept by the feature's slug, which never changes, so that it outlives the feature. An empty slug stands
// for the project. `ordinal` is the order in which things were recorded, whatever the clocks of the servers say.

/** Notes of agents and people. Rows never change. */
export const learnings = pgTable(
  "learnings",
  {
    id: uuid("id").primaryKey(),
    ordinal: bigint("ordinal", { mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    featureSlug: text("feature_slug").notNull(),
    text: text("text").notNull(),
    engineerId: uuid("engineer_id")
      .notNull()
      .references(() => engineers.id),
    agent: text("agent").notNull(),
    createTime: time("create_time").notNull(),
    search: search(undefined, `"text"`),
  },
  (t) => [
    index("learnings_by_project").on(t.projectId, t.ordinal),
    index("learnings_by_feature").on(t.projectId, t.featureSlug, t.ordinal),
    index("learnings_search").using("gin", t.search).with(SEARCH_INDEX),
  ],
);

/** Choices. Rows never change, but for `superseded_by`, which is set once; a decision is in force while it is null. */
export const decisions = pgTable(
  "decisions",
  {
    id: uuid("id").primaryKey(),
    ordinal: bigint("ordinal", { mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    featureSlug: text("feature_slug").notNull(),
    title: text("title").notNull(),
    decision: text("decision").notNull(),
    rationale: text("rationale").notNull(),
    alternatives: text("alternatives").notNull(),
    consequences: text("consequences").notNull(),
    supersededBy: uuid("superseded_by").references((): AnyPgColumn => decisions.id),
    engineerId: uuid("engineer_id")
      .notNull()
      .references(() => engineers.id),
    agent: text("agent").notNull(),
    createTime: time("create_time").notNull(),
    search: search(`"title"`, `"decision" || ' ' || "rationale" || ' ' || "alternatives" || ' ' || "consequences"`),
  },
  (t) => [
    index("decisions_by_project").on(t.projectId, t.ordinal),
    index("decisions_in_force").on(t.projectId, t.ordinal).where(sql`${t.supersededBy} is null`),
    index("decisions_by_feature").on(t.projectId, t.featureSlug, t.ordinal),
    index("decisions_superseded").on(t.supersededBy).where(sql`${t.supersededBy} is not null`),
    index("decisions_search").using("gin", t.search).with(SEARCH_INDEX),
  ],
);

/** How far sessions had come with their features. Rows never change. */
export const checkpoints = pgTable(
  "checkpoints",
  {
    id: uuid("id").primaryKey(),
    ordinal: bigint("ordinal", { mode: "number" }).notNull().generatedAlwaysAsIdentity(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    sessionId: uuid("session_id")
      .notNull()
      .references(() => sessions.id, { onDelete: "cascade" }),
    featureSlug: text("feature_slug").notNull(),
    context: text("context").notNull(),
    /** A JSON object as text, which unlike jsonb keeps every string; empty when there is none. */
    data: text("data").notNull(),
    branch: text("branch").notNull(),
    commit: text("commit").notNull(),
    changedPaths: text("changed_paths").array().notNull(),
    /** 0 when the session held no feature. */
    fencingToken: bigint("fencing_token", { mode: "bigint" }).notNull(),
    heldTouches: jsonb("held_touches").$type<readonly Touch[]>().notNull(),
    createTime: time("create_time").notNull(),
    search: search(undefined, `"context"`),
  },
  (t) => [
    index("checkpoints_by_session").on(t.sessionId, t.ordinal),
    index("checkpoints_by_feature").on(t.projectId, t.featureSlug, t.ordinal),
    index("checkpoints_search").using("gin", t.search).with(SEARCH_INDEX),
  ],
);
