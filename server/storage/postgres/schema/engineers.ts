import { sql } from "drizzle-orm";
import { index, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { ApiKeyScope } from "../../../domain/auth/api-key.ts";
import { time } from "./columns.ts";

/** People. */
export const engineers = pgTable(
  "engineers",
  {
    id: uuid("id").primaryKey(),
    name: text("name").notNull(),
    email: text("email").notNull(),
    createTime: time("create_time").notNull(),
  },
  (t) => [uniqueIndex("engineers_email_unique").on(sql`lower(${t.email})`)],
);

/** Keys that programs act with for an engineer. `id` is the public part of the key itself. */
export const apiKeys = pgTable(
  "api_keys",
  {
    id: text("id").primaryKey(),
    engineerId: uuid("engineer_id")
      .notNull()
      .references(() => engineers.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    /** argon2id of the secret part, in PHC form. */
    secretHash: text("secret_hash").notNull(),
    lastFour: text("last_four").notNull(),
    scope: text("scope").$type<ApiKeyScope>().notNull(),
    createTime: time("create_time").notNull(),
    lastUsedTime: time("last_used_time"),
    expireTime: time("expire_time"),
    revokeTime: time("revoke_time"),
  },
  (t) => [index("api_keys_by_engineer").on(t.engineerId, t.createTime, t.id)],
);
