import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startNexus } from "../server/testing/start-nexus.ts";

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a bundle that `make build` has made. */
function run(program: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  const path = fileURLToPath(new URL(`./dist/${program}.js`, import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [path], { env: { ...process.env, ...env } }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode, stdout, stderr });
    });
  });
}

function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nexus-bench-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A history of 16 features that all change the same file. */
function historyFile(): string {
  const file = join(scratchFolder(), "history.jsonl");
  const lines = Array.from({ length: 16 }, (_, index) => {
    return JSON.stringify({ id: `#${index}`, files: ["hot.ts", `own-${index}.ts`], lines: 10 });
  });
  writeFileSync(file, lines.join("\n"));
  return file;
}

test("the demo tells its story to the end and leaves nothing behind", async () => {
  const folder = scratchFolder();
  const { exitCode, stdout, stderr } = await run("demo", {
    TMPDIR: folder,
    DATABASE_URL: "",
    NEXUS_SESSION: "no uuid",
  });

  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/ana\/claude \$ nexus feature pick .*ben\/codex \$ nexus feature pick .*\(exit code 3\)/s);
  expect(readdirSync(folder)).toEqual([]);
});

test("a replay with claims finds no overlap, and deletes its project", async () => {
  const { url, join } = await startNexus("embedded");
  const { key, projects } = await join("ana");

  const ended = await run("replay", { FILE: historyFile(), AGENTS: "3", NEXUS_URL: url, NEXUS_API_KEY: key });

  expect(ended).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/features done +16\n.*overlapping holds +0\n/s),
  });
  expect((await projects.listProjects({})).projects).toEqual([]);
});

test("the same agents without claims overlap, and the check finds it", async () => {
  const { exitCode, stdout } = await run("replay", { FILE: historyFile(), AGENTS: "3", CLAIMS: "off" });
  expect(exitCode).toBe(0);
  expect(Number(/overlapping holds +(\d+)\n/.exec(stdout)?.[1])).toBeGreaterThan(0);
});

test("a replay says how to start a server when none answers", async () => {
  const { exitCode, stderr } = await run("replay", { FILE: historyFile(), NEXUS_URL: "http://127.0.0.1:9" });
  expect(exitCode).toBe(4);
  expect(stderr).toContain("make run");
});
