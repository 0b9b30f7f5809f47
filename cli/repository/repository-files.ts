import { execFile } from "node:child_process";

/** Git has to look at every folder for new files; in the largest repositories that takes seconds. */
const BOUND_MS = 10_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

/** The files of a working tree, new ones included and ignored ones not; empty where git can't tell in time. */
export async function repositoryFiles(root: string): Promise<string[]> {
  const args = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const output = await new Promise<string>((resolve) => {
    execFile("git", args, { timeout: BOUND_MS, maxBuffer: MAX_OUTPUT }, (error, stdout) =>
      resolve(error === null ? stdout : ""),
    );
  });
  return [...new Set(output.split("\0"))].filter((path) => path !== "");
}
