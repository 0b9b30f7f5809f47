import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, jsonb, pgTable, text, unique, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { ClaimRecordState } from "../../../domain/claims/claim-record.ts";
import type { Touch } from "../../../domain/claims/touch.ts";
import type { ClaimId } from "../../../domain/ids.ts";
import type { SessionState } from "../../../domain/sessions/session.ts";
import { time } from "./columns.ts";
import { engineers } from "./engineers.ts";
import { projects } from "./projects.ts";

/** Agents at work. The row outlives the lease; an agent has one open session under one client_session_id. */
export const sessions = pgTable(
  "sessions",
  {
    id: uuid("id").primaryKey(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    engineerId: uuid("engineer_id")
      .notNull()
      .references(() => engineers.id, { onDelete: "cascade" }),
    clientSessionId: text("client_session_id").notNull(),
    agent: text("agent").notNull(),
    host: text("host").notNull(),
    worktree: text("worktree").notNull(),
    branch: text("branch").notNull(),
    state: text("state").$type<SessionState>().notNull(),
    openTime: time("open_time").notNull(),
    endTime: time("end_time"),
    /** Of an ended session: whether the claim store is known to have ended its lease, with all that it held. */
    leaseEnded: boolean("lease_ended").notNull().default(false),
  },
  (t) => [
    uniqueIndex("sessions_one_open_per_client")
      .on(t.projectId, t.engineerId, t.clientSessionId)
      .where(sql`${t.state} = 'open'`),
    index("sessions_open").on(t.projectId, t.openTime, t.id).where(sql`${t.state} = 'open'`),
    index("sessions_ending").on(t.projectId, t.endTime).where(sql`${t.state} <> 'open' and not ${t.leaseEnded}`),
  ],
);

/**
 * Claim intents: what was claimed, under which token, and how it ended. `ending` rows are the outbox: ended here, not
 * known to be freed in the claim store yet. A `void` row bars an attempt whose outcome nobody knew from committing.
 */
export const claims = pgTable(
  "claims",
  {
    id: uuid("id").primaryKey(),
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    featureId: uuid("feature_id"),
    sessionId: uuid("session_id"),
    fencingToken: bigint("fencing_token", { mode: "bigint" }),
    state: text("state").$type<ClaimRecordState>().notNull(),
    touches: jsonb("touches").$type<readonly Touch[]>().notNull(),
    replaces: jsonb("replaces").$type<readonly ClaimId[]>().notNull().default([]),
    /** Raised when touches are released in mid-work; what the claim store is known to have is `stored_revision`. */
    touchesRevision: integer("touches_revision").notNull().default(0),
    storedRevision: integer("stored_revision").notNull().default(0),
    acquireTime: time("acquire_time"),
    /** Ended without its holder's doing. */
    lost: boolean("lost").notNull().default(false),
    endTime: time("end_time"),
  },
  (t) => [
    unique("claims_fencing_token_unique").on(t.projectId, t.fencingToken),
    index("claims_held").on(t.projectId, t.featureId).where(sql`${t.state} = 'held'`),
    index("claims_ending").on(t.projectId, t.endTime).where(sql`${t.state} = 'ending'`),
    index("claims_draining").on(t.projectId).where(sql`${t.state} = 'draining'`),
    index("claims_by_session").on(t.sessionId),
  ],
);
