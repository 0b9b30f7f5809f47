import { execFile } from "node:child_process";
import { CliError } from "../cli-error.ts";

/** How git ended. */
export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
}

/**
 * Runs git in a folder and waits for its end, at most ten seconds.
 *
 * @throws CliError FILE_UNUSABLE when there is no git
 */
export function runGit(folder: string, args: readonly string[]): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = execFile("git", ["-C", folder, ...args], { timeout: 10_000 }, (error, stdout) => {
      if (error !== null && "code" in error && error.code === "ENOENT") {
        reject(
          new CliError("FILE_UNUSABLE", "git can't be run", "install git, or name the features", { cause: error }),
        );
      } else {
        resolve({ exitCode: child.exitCode ?? 1, stdout: stdout.trim() });
      }
    });
  });
}

/** The commit that is checked out in a folder; empty when there is none yet. */
export async function headCommit(folder: string): Promise<string> {
  const { exitCode, stdout } = await runGit(folder, ["rev-parse", "--verify", "--quiet", "HEAD"]);
  return exitCode === 0 ? stdout : "";
}

/**
 * The repository's main branch: the one that the remote calls so, else `main` or `master`.
 *
 * @throws CliError USAGE_INVALID when there is none of these
 */
export async function mainBranch(folder: string): Promise<string> {
  const remote = await runGit(folder, ["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]);
  for (const branch of [remote.exitCode === 0 ? remote.stdout : "", "main", "master"]) {
    if (branch !== "" && (await isCommit(folder, branch))) return branch;
  }
  throw new CliError(
    "USAGE_INVALID",
    "the main branch is not known here",
    "nexus feature merged --check --branch <branch>",
  );
}

/** Whether this names a commit of the repository. */
export async function isCommit(folder: string, name: string): Promise<boolean> {
  if (name.startsWith("-")) return false;
  const { exitCode } = await runGit(folder, ["rev-parse", "--verify", "--quiet", `${name}^{commit}`]);
  return exitCode === 0;
}

/** Whether a commit is in a branch. Both are known to be commits. */
export async function isAncestor(folder: string, commit: string, branch: string): Promise<boolean> {
  return (await runGit(folder, ["merge-base", "--is-ancestor", commit, branch])).exitCode === 0;
}
