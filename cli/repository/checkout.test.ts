import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findCheckout } from "./checkout.ts";

let folder = "";

function git(cwd: string, ...args: string[]) {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  execFileSync("git", [...identity, ...args], { cwd, env, stdio: "pipe" });
}

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "nexus-checkout-")));
  mkdirSync(join(folder, "main", "src", "deep"), { recursive: true });
  git(join(folder, "main"), "init", "-q", "-b", "trunk");
  git(join(folder, "main"), "commit", "-q", "--allow-empty", "-m", "first");
  git(join(folder, "main"), "worktree", "add", "-q", "-b", "feature/login", join(folder, "second"));
});

afterAll(() => rmSync(folder, { recursive: true }));

test("the working tree is found from any folder in it, with its branch", () => {
  const root = join(folder, "main");

  expect(findCheckout(join(root, "src", "deep"))).toEqual({ root, mainRoot: root, branch: "trunk" });
});

test("a linked worktree has a top and a branch of its own, and knows its repository", () => {
  expect(findCheckout(join(folder, "second"))).toEqual({
    root: join(folder, "second"),
    mainRoot: join(folder, "main"),
    branch: "feature/login",
  });
});

test("a detached head is on no branch", () => {
  git(join(folder, "second"), "checkout", "-q", "--detach");

  expect(findCheckout(join(folder, "second"))?.branch).toBe("");
});

test("outside of any repository there is no working tree", () => {
  expect(findCheckout(folder)).toBeUndefined();
});
