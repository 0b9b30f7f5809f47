import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** A git working tree, read from its files: starting git would take longer than the rest of a command. */
export interface Checkout {
  /** Its top folder, symbolic links resolved. */
  readonly root: string;
  /** The top folder of the repository's main working tree: `root` itself unless this is a linked worktree. */
  readonly mainRoot: string;
  /** The branch; empty when none is checked out. */
  readonly branch: string;
}

/** The working tree that holds a folder; undefined outside of any. */
export function findCheckout(folder: string): Checkout | undefined {
  for (let root = realpathSync(folder); ; root = dirname(root)) {
    const gitFolder = gitFolderOf(root);
    if (gitFolder !== undefined) return { root, mainRoot: mainRootOf(root, gitFolder), branch: branchOf(gitFolder) };
    if (root === dirname(root)) return undefined;
  }
}

/** `.git` is a folder, or in linked worktrees and submodules a file `gitdir: <path>`. */
function gitFolderOf(root: string): string | undefined {
  const entry = join(root, ".git");
  try {
    if (statSync(entry).isDirectory()) return entry;
    const [, target] = /^gitdir: (.+)$/m.exec(readFileSync(entry, "utf8")) ?? [];
    return target === undefined ? undefined : resolve(root, target);
  } catch {
    return undefined;
  }
}

/** A linked worktree's git folder names the common one in `commondir`; a submodule's has none. */
function mainRootOf(root: string, gitFolder: string): string {
  try {
    const common = resolve(gitFolder, readFileSync(join(gitFolder, "commondir"), "utf8").trim());
    return basename(common) === ".git" ? dirname(common) : root;
  } catch {
    return root;
  }
}

function branchOf(gitFolder: string): string {
  try {
    return /^ref: refs\/heads\/(.+)$/m.exec(readFileSync(join(gitFolder, "HEAD"), "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}
