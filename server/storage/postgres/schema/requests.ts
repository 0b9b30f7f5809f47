import { index, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytes, time } from "./columns.ts";

/** Answers to mutations that came with a request id, kept for 24 hours. Written in the mutation's own transaction. */
export const requests = pgTable(
  "requests",
  {
    /** The engineer's id, or what stands for the caller where there is none yet. */
    caller: text("caller").notNull(),
    requestId: uuid("request_id").notNull(),
    /** SHA-256 of method and request without the request id. */
    bodyHash: bytes("body_hash").notNull(),
    answer: bytes("answer"),
    createTime: time("create_time").notNull(),
  },
  (t) => [
    primaryKey({ name: "requests_pkey", columns: [t.caller, t.requestId] }),
    index("requests_by_time").on(t.createTime),
  ],
);
