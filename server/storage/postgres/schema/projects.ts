import { sql } from "drizzle-orm";
import { bigint, boolean, check, index, integer, pgTable, primaryKey, text, unique, uuid } from "drizzle-orm/pg-core";
import type { Role } from "../../../domain/projects/project.ts";
import { time } from "./columns.ts";
import { engineers } from "./engineers.ts";

/** Codebases. `epoch` is raised by every recovery of the project's claims; `version` by every change (its etag),
 * `roadmap_version` by every move of a feature. */
export const projects = pgTable(
  "projects",
  {
    id: uuid("id").primaryKey(),
    slug: text("slug").notNull(),
    name: text("name").notNull(),
    creatorId: uuid("creator_id")
      .notNull()
      .references(() => engineers.id),
    sessionTtlMs: bigint("session_ttl_ms", { mode: "number" }).notNull(),
    lockDelayMs: bigint("lock_delay_ms", { mode: "number" }).notNull(),
    sharedPaths: text("shared_paths").array().notNull(),
    caseSensitive: boolean("case_sensitive").notNull(),
    version: integer("version").notNull().default(1),
    epoch: integer("epoch").notNull().default(1),
    /** The last event; raised by the commit of every transaction that has some. */
    eventSequence: bigint("event_sequence", { mode: "bigint" }).notNull().default(sql`0`),
    roadmapVersion: integer("roadmap_version").notNull().default(1),
    createTime: time("create_time").notNull(),
  },
  (t) => [
    unique("projects_slug_unique").on(t.creatorId, t.slug),
    check("projects_epoch_range", sql`${t.epoch} between 1 and 2097151`),
  ],
);

/** Who belongs to which project. */
export const projectMembers = pgTable(
  "project_members",
  {
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    engineerId: uuid("engineer_id")
      .notNull()
      .references(() => engineers.id, { onDelete: "cascade" }),
    role: text("role").$type<Role>().notNull(),
    createTime: time("create_time").notNull(),
  },
  (t) => [
    primaryKey({ name: "project_members_pkey", columns: [t.projectId, t.engineerId] }),
    index("project_members_by_engineer").on(t.engineerId),
  ],
);
