import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./storage/postgres/schema/index.ts",
  out: "./storage/postgres/migrations",
  dbCredentials: { url: process.env["DATABASE_URL"] ?? "" },
});
