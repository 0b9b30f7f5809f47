import { sql } from "drizzle-orm";
import { bigint, index, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import type { EventKind, EventPayload, Kept } from "../../../domain/events/event.ts";
import { time } from "./columns.ts";
import { projects } from "./projects.ts";

/**
 * What happened, numbered per project in the order of commits: `sequence` is taken from `projects.event_sequence` by
 * the UPDATE that ends the transaction. What is gone by age is gone from the beginning on, so there are no holes.
 */
export const events = pgTable(
  "events",
  {
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    sequence: bigint("sequence", { mode: "bigint" }).notNull(),
    time: time("time").notNull(),
    actor: text("actor").notNull(),
    engineerId: uuid("engineer_id"),
    sessionId: uuid("session_id"),
    featureSlug: text("feature_slug"),
    kind: text("kind").$type<EventKind>().notNull(),
    payload: jsonb("payload").$type<Kept<EventPayload>>().notNull(),
    /** Bytes of the payload as text, so that a page is bounded without reading it; null in what was written before. */
    size: integer("size"),
  },
  (t) => [
    primaryKey({ name: "events_pkey", columns: [t.projectId, t.sequence] }),
    index("events_by_time").on(t.projectId, t.time),
    index("events_by_feature").on(t.projectId, t.featureSlug, t.sequence).where(sql`${t.featureSlug} is not null`),
    index("events_by_engineer").on(t.projectId, t.engineerId, t.sequence),
    index("events_by_kind").on(t.projectId, t.kind, t.sequence),
  ],
);
