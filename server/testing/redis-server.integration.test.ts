import { chmod, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { installRedis } from "./install-redis.ts";
import { findRedisServer, startRedisServer } from "./redis-server.ts";

test("two private servers share nothing and keep to their settings", async () => {
  const one = await start({ maxmemory: "8mb" });
  const other = await start();

  await one.set("key", "value");

  expect(await other.get("key")).toBeNull();
  expect(await one.config("GET", "maxmemory")).toEqual(["maxmemory", String(8 * 1024 * 1024)]);
  expect(await one.config("GET", "save")).toEqual(["save", ""]);
});

test("a stopped server is gone", async () => {
  const server = await startRedisServer(await newFolder());

  await server.stop();

  expect(() => process.kill(server.pid, 0)).toThrow("ESRCH");
});

test("a server that does not start is reported with what it said", async () => {
  const folder = await newFolder();

  await expect(startRedisServer(folder, { maxmemory: "plenty" })).rejects.toThrow("maxmemory");
});

test("Redis is looked for on PATH first, under both names, and not taken when it is older than 7", async () => {
  const folder = await newFolder();
  const old = await plant(join(folder, "old"), "redis-server", "Redis server v=6.2.7 sha=0");
  const redis = await plant(join(folder, "redis"), "redis-server", "Redis server v=7.0.15 sha=0");
  const valkey = await plant(join(folder, "valkey"), "valkey-server", "Valkey server v=8.0.1 sha=0");

  expect(await findRedisServer(`${old}:${redis}`, [valkey])).toBe(join(redis, "redis-server"));
  expect(await findRedisServer(old, [valkey])).toBe(join(valkey, "valkey-server"));
  expect(await findRedisServer("", [old])).toBeUndefined();
});

test("where nothing may be installed, the refusal names the command to run", async () => {
  vi.stubEnv("NEXUS_TEST_NO_INSTALL", "1");
  onTestFinished(() => void vi.unstubAllEnvs());

  await expect(installRedis()).rejects.toThrow("sudo apt-get install redis-server");
});

async function start(settings?: Record<string, string>): Promise<Redis> {
  const server = await startRedisServer(await newFolder(), settings);
  const client = new Redis(server.url);
  onTestFinished(async () => {
    client.disconnect();
    await server.stop();
  });
  return client;
}

async function newFolder(): Promise<string> {
  return mkdtemp(join(inject("scratchDir"), "redis-"));
}

/** A program that says this version of itself, and no more. */
async function plant(folder: string, name: string, version: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, name), `#!/bin/sh\necho '${version}'\n`);
  await chmod(join(folder, name), 0o755);
  return folder;
}
