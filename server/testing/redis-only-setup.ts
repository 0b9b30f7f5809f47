import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startRedisServer } from "./redis-server.ts";
import { createScratchDir } from "./scratch-dir.ts";

/** Starts a private Redis, for runs of tests that need nothing else; what is returned ends it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scratch = await createScratchDir();
  const server = await startRedisServer(join(scratch.path, "redis"));
  project.provide("redisUrl", server.url);
  project.provide("redisPrefix", `nexus-test-${randomBytes(6).toString("hex")}`);
  project.provide("scratchDir", scratch.path);
  return async () => {
    await server.stop();
    await scratch.remove();
  };
}
