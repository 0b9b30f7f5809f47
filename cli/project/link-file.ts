import { existsSync, lstatSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CliError } from "../cli-error.ts";
import { readJsonFile } from "../files/private-file.ts";
import type { Checkout } from "../repository/checkout.ts";

/** What `.nexus.json` says: which project of which server this repository belongs to. No secrets; may be committed. */
export interface ProjectLink {
  readonly server: string;
  /** The project's id. */
  readonly project: string;
  readonly slug: string;
}

const FILE = ".nexus.json";

/**
 * The link of the folder: found upwards, not beyond the working tree's top; for a linked worktree that of the main
 * working tree counts as well, since it need not be committed. Outside of any only the folder itself counts: a folder
 * above may be anybody's, and what stands there decides who gets the key.
 *
 * @throws CliError FILE_UNUSABLE when the file is there and says something else
 */
export function findLink(cwd: string, checkout: Checkout | undefined): { path: string; link: ProjectLink } | undefined {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, FILE))) return readLink(join(folder, FILE));
    if (folder === (checkout?.root ?? cwd) || folder === dirname(folder)) break;
  }
  const main = checkout === undefined ? undefined : join(checkout.mainRoot, FILE);
  return main !== undefined && existsSync(main) ? readLink(main) : undefined;
}

/** Writes the link at the top of the working tree, outside of any into the folder itself. Answers its path. */
export function writeLink(cwd: string, checkout: Checkout | undefined, link: ProjectLink): string {
  const path = join(checkout?.root ?? cwd, FILE);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
    // A repository that one has only cloned must not choose what is overwritten here.
    throw new CliError("FILE_UNUSABLE", `${path} is a symbolic link; remove it first`, `rm ${FILE}`);
  }
  try {
    writeFileSync(path, `${JSON.stringify(link, null, 2)}\n`);
  } catch (cause) {
    throw new CliError("FILE_UNUSABLE", `${path} can't be written: ${(cause as Error).message}`, "", { cause });
  }
  return path;
}

function readLink(path: string): { path: string; link: ProjectLink } {
  const stored = readJsonFile(path);
  if (typeof stored === "object" && stored !== null && "server" in stored && "project" in stored) {
    const { server, project } = stored;
    const slug = "slug" in stored && typeof stored.slug === "string" ? stored.slug : "";
    if (typeof server === "string" && typeof project === "string") return { path, link: { server, project, slug } };
  }
  throw new CliError("FILE_UNUSABLE", `${path} does not name a server and a project`, "nexus project use <project>");
}
