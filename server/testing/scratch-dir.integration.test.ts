import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";

test("a failed run whose tests cleared nothing away leaves no process and no file", async () => {
  const run = await startRun("failing");

  expect(await run.output).toContain("1 failed");

  await expectNothingLeft(run.folder);
});

test.for(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
  "a run ended by %s leaves no process and no file",
  async (signal) => {
    const run = await startRun("endless");
    await until(() => isUnderWay(run.folder));
    expect(await processesIn(run.folder)).not.toEqual([]);

    process.kill(run.pid, signal);

    await run.output;
    await expectNothingLeft(run.folder);
  },
);

/** Starts vitest on one fixture, with `folder` as its only temporary folder. */
async function startRun(fixture: string) {
  const folder = await mkdtemp(join(inject("scratchDir"), "run-"));
  await chmod(folder, 0o711);
  const config = "server/testing/fixtures/vitest.fixture.config.ts";
  const child = spawn("node_modules/.bin/vitest", ["run", "--config", config, fixture], {
    env: { ...process.env, TMPDIR: folder, REDIS_URL: "", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid === undefined) {
    throw new Error("vitest could not be started");
  }
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  child.stderr.on("data", (chunk) => {
    text += chunk;
  });
  return { folder, pid: child.pid, output: once(child, "exit").then(() => text) };
}

/** Whether the endless fixture has left its mark in the run's own scratch folder. */
async function isUnderWay(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((scratch) => existsSync(join(folder, scratch, "under-way")));
}

/** The guardian clears away after the run has ended; it is waited for, within the test's time. */
async function expectNothingLeft(folder: string): Promise<void> {
  await until(async () => (await readdir(folder)).length === 0 && (await processesIn(folder)).length === 0);
}

/** Command lines that name the folder: PostgreSQL, Redis and the guardian all do. */
async function processesIn(folder: string): Promise<readonly string[]> {
  return (await commandLines()).filter((line) => line.includes(folder));
}

async function commandLines(): Promise<readonly string[]> {
  if (process.platform !== "linux") {
    return (await promisify(execFile)("ps", ["-ww", "-A", "-o", "command="])).stdout.split("\n");
  }
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  return Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await pause(50);
  }
}
