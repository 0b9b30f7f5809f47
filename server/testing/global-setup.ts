import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { startEmbeddedPostgres } from "../storage/embedded/postgres.ts";
import { migrate } from "../storage/postgres/migrate.ts";
import { startRedisServer } from "./redis-server.ts";
import { createScratchDir } from "./scratch-dir.ts";
import { TEMPLATE_DATABASE } from "./template-database.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Superuser's URL of the run's PostgreSQL. Tests take a database of their own: `createTestDatabase`. */
    postgresAdminUrl: string;
    /** A Redis that other test files, and perhaps other people, use at the same time. */
    redisUrl: string;
    /** Every key that a test writes to `redisUrl` begins with this; such keys are deleted at the end. */
    redisPrefix: string;
    /** An existing folder for what the run writes; removed at the end with every PostgreSQL and Redis in it. */
    scratchDir: string;
  }
}

const MIGRATIONS = fileURLToPath(new URL("../storage/postgres/migrations", import.meta.url));

let undo: (() => Promise<void>)[] = [];

/** Starts what the integration tests of one run share: one PostgreSQL, and one Redis unless REDIS_URL names one. */
export async function setup(project: TestProject): Promise<void> {
  const scratch = await createScratchDir();
  undo.push(() => scratch.remove());
  try {
    const redisUrl = await startRedis(scratch.path);
    const redisPrefix = `nexus-test-${randomBytes(6).toString("hex")}`;
    undo.push(() => deleteKeys(redisUrl, redisPrefix));
    project.provide("postgresAdminUrl", await startPostgres(scratch.path));
    project.provide("redisUrl", redisUrl);
    project.provide("redisPrefix", redisPrefix);
    project.provide("scratchDir", scratch.path);
  } catch (error) {
    await teardown();
    throw error;
  }
}

/** Undoes `setup`, last things first. */
export async function teardown(): Promise<void> {
  const steps = undo.reverse();
  undo = [];
  for (const step of steps) {
    await step();
  }
}

async function startPostgres(scratch: string): Promise<string> {
  const server = await startEmbeddedPostgres({ dataDir: join(scratch, "postgres"), durable: false });
  undo.push(() => server.stop());
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  try {
    await admin`create database ${admin(TEMPLATE_DATABASE)}`;
  } finally {
    await admin.end();
  }
  await migrate(new URL(`/${TEMPLATE_DATABASE}`, server.url).href, MIGRATIONS);
  return server.url;
}

async function startRedis(scratch: string): Promise<string> {
  const given = process.env["REDIS_URL"];
  if (given) {
    return given;
  }
  const server = await startRedisServer(join(scratch, "redis"));
  undo.push(() => server.stop());
  return server.url;
}

/** Deletes every key that begins with the prefix, whoever else uses that Redis. */
export async function deleteKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (keys.length > 0) {
        await redis.unlink(...keys);
      }
    }
  } finally {
    redis.disconnect();
  }
}
