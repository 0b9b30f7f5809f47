import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findWorkState } from "./work-state.ts";

let folder = "";

function git(...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  return execFileSync("git", [...identity, ...args], { cwd: folder, env, stdio: "pipe", encoding: "utf8" }).trim();
}

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "nexus-work-state-")));
});

afterAll(() => rmSync(folder, { recursive: true }));

test("outside of a working tree nothing is said", async () => {
  expect(await findWorkState(folder)).toEqual({ branch: "", commit: "", changedPaths: [] });
});

test("branch, commit and every file that differs, whatever its name", async () => {
  git("init", "-q", "-b", "feature/login");
  expect(await findWorkState(folder)).toEqual({ branch: "feature/login", commit: "", changedPaths: [] });
  mkdirSync(join(folder, "src"));
  for (const name of ["same.ts", "changed.ts", "removed.ts", "src/old name.ts"]) {
    writeFileSync(join(folder, name), `${name}\n`.repeat(20));
  }
  git("add", ".");
  git("commit", "-q", "-m", "first");

  writeFileSync(join(folder, "changed.ts"), "otherwise\n");
  rmSync(join(folder, "removed.ts"));
  renameSync(join(folder, "src", "old name.ts"), join(folder, "src", 'new "näme" -> [x].ts'));
  git("add", "src");
  mkdirSync(join(folder, "new"));
  writeFileSync(join(folder, "new", "file\n.ts"), "");

  const { branch, commit, changedPaths } = await findWorkState(folder);
  expect({ branch, commit }).toEqual({ branch: "feature/login", commit: git("rev-parse", "HEAD") });
  expect([...changedPaths].sort()).toEqual(
    ["changed.ts", "new/file\n.ts", "removed.ts", 'src/new "näme" -> [x].ts', "src/old name.ts"].sort(),
  );
});

test("a detached head is on no branch", async () => {
  git("checkout", "-q", "--detach");

  expect((await findWorkState(folder)).branch).toBe("");
});
