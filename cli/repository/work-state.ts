import { execFile } from "node:child_process";

/** What git says of the work in a working tree. */
export interface WorkState {
  /** The branch; empty when none is checked out. */
  readonly branch: string;
  /** The commit that is checked out; empty before the first. */
  readonly commit: string;
  /** Files that differ from it, new ones included, relative to the top of the working tree. */
  readonly changedPaths: readonly string[];
}

const NOTHING: WorkState = { branch: "", commit: "", changedPaths: [] };
/** Git has to look at every file; in the largest repositories that takes seconds. */
const BOUND_MS = 10_000;
const MAX_OUTPUT = 64 * 1024 * 1024;
/** How many fields stand before the path, by the kind of the entry in git's porcelain format 2. */
const FIELDS_BEFORE_PATH: Readonly<Record<string, number>> = { "1": 8, "2": 9, u: 10, "?": 1 };

/** Asks git; says nothing where there is no git, no working tree, or no answer in time. */
export async function findWorkState(folder: string): Promise<WorkState> {
  const args = [
    "-C",
    folder,
    "--no-optional-locks",
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
    "--untracked-files=all",
  ];
  const output = await new Promise<string | undefined>((resolve) => {
    execFile("git", args, { timeout: BOUND_MS, maxBuffer: MAX_OUTPUT }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
  });
  return output === undefined ? NOTHING : parseStatus(output);
}

function parseStatus(output: string): WorkState {
  const state = { branch: "", commit: "", changedPaths: [] as string[] };
  const entries = output.split("\0").values();
  for (const entry of entries) {
    const words = entry.split(" ");
    const [kind = "", name, value = ""] = words;
    if (kind === "#" && name === "branch.oid") state.commit = value === "(initial)" ? "" : value;
    if (kind === "#" && name === "branch.head") state.branch = value === "(detached)" ? "" : value;
    const before = FIELDS_BEFORE_PATH[kind];
    if (before === undefined) continue;
    state.changedPaths.push(words.slice(before).join(" "));
    // A rename is followed by the name that was.
    if (kind === "2") state.changedPaths.push(entries.next().value ?? "");
  }
  return state;
}
