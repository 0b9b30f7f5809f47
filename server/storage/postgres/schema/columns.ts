import { sql } from "drizzle-orm";
import { customType, timestamp } from "drizzle-orm/pg-core";
import { searchExpression } from "../search-words.ts";

/** A point in time, to the millisecond, so that it survives the way through a JavaScript Date and back unchanged. */
export const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" });

/** Bytes. */
export const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => "bytea",
});

const tsvector = customType<{ data: string }>({ dataType: () => "tsvector" });

/** What a row is found by: computed by PostgreSQL from the title and the body, both given as SQL. */
export const search = (title: string | undefined, body: string) =>
  tsvector("search").generatedAlwaysAs(sql.raw(searchExpression(title, body)));

/**
 * What is written is in the index at once: a list of pending entries would have to be read by every search, and the
 * planner would rather read the whole table.
 */
export const SEARCH_INDEX = { fastupdate: false };
