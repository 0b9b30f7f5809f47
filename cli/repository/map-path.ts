import { existsSync, realpathSync } from "node:fs";
import { posix, win32 } from "node:path";
import { CliError } from "../cli-error.ts";

/** Where a path is typed. Absolute, symbolic links resolved. */
export interface PathOrigin {
  readonly cwd: string;
  /** The top of the working tree; undefined outside of any. */
  readonly root: string | undefined;
  readonly platform: NodeJS.Platform;
}

const GLOB = "glob:";

/**
 * A path or pattern as people type it, as the repository-relative entry that the server takes: absolute paths inside
 * the working tree, paths relative to the current folder, backslashes on Windows, symbolic links inside the working
 * tree. What is wrong with it otherwise is left for the server to say.
 *
 * @throws CliError PATH_INVALID when it lies outside the working tree
 */
export function mapPath(typed: string, origin: PathOrigin): string {
  const isGlob = typed.startsWith(GLOB);
  const path = origin.platform === "win32" ? win32 : posix;
  let entry = isGlob ? typed.slice(GLOB.length) : typed;
  // Under `glob:` a backslash escapes the next character, on every platform.
  if (origin.platform === "win32" && !isGlob) entry = entry.replaceAll("\\", "/");
  if (entry === "") return typed;
  const mapped = path.isAbsolute(entry)
    ? fromAbsolute(entry, typed, origin)
    : fromRelative(entry, typed, isGlob, origin);
  return `${isGlob ? GLOB : ""}${mapped}`;
}

function fromAbsolute(entry: string, typed: string, { root, platform }: PathOrigin): string {
  const path = platform === "win32" ? win32 : posix;
  if (root === undefined) {
    throw new CliError("PATH_INVALID", `${quote(typed)} is absolute, and this folder is in no git working tree`);
  }
  // Links are resolved up to the first wildcard; what follows it is no path yet. A folder may be named like one.
  const segments = entry.split("/");
  const wild = segments.findIndex(
    (segment, at) => /[*?{]/.test(segment) && !existsSync(segments.slice(0, at + 1).join("/")),
  );
  const literal = segments.slice(0, wild === -1 ? undefined : wild).join("/") || "/";
  const rest = wild === -1 ? [] : segments.slice(wild);
  const below = path.relative(root, resolveExisting(literal, path)).split(path.sep).join("/");
  if (below === ".." || below.startsWith("../") || path.isAbsolute(below)) {
    throw new CliError("PATH_INVALID", `${quote(typed)} is outside the working tree ${root}`);
  }
  if (!typed.startsWith(GLOB) && /[*?{\\]/.test(below)) {
    const plain = `${GLOB}${escapeGlob(below)}`;
    throw new CliError("PATH_INVALID", `${quote(below)} would be read as a pattern; write ${plain} from ${root}`);
  }
  return [below, ...rest].filter((part) => part !== "").join("/") || ".";
}

function fromRelative(entry: string, typed: string, isGlob: boolean, { root, cwd, platform }: PathOrigin): string {
  if (root === undefined) return entry;
  const path = platform === "win32" ? win32 : posix;
  const prefix = path.relative(root, cwd).split(path.sep).join("/");
  if (prefix !== "" && !isGlob && /[*?{\\]/.test(prefix)) {
    const hint = `its path from the top of the repository, ${quote(prefix)}, would be read as a pattern`;
    throw new CliError("PATH_INVALID", `${quote(typed)} can't be named from this folder: ${hint}; run it from ${root}`);
  }
  const lead = isGlob ? escapeGlob(prefix) : prefix;
  const joined = lead === "" ? entry : `${lead}/${entry}`;
  return isGlob ? joined : resolveLinks(joined, root, path);
}

/** The real path of the longest part that exists, with the rest as it is. */
function resolveExisting(absolute: string, path: typeof posix): string {
  const normal = path.resolve(absolute);
  try {
    return realpathSync(normal);
  } catch {
    const parent = path.dirname(normal);
    return parent === normal ? normal : path.join(resolveExisting(parent, path), path.basename(normal));
  }
}

/**
 * Replaces the longest leading part that is, or is reached through, a symbolic link by what it stands for, if that is
 * inside the working tree: the same file must not have two names. Without such a link the entry stays exactly as typed.
 */
function resolveLinks(entry: string, root: string, path: typeof posix): string {
  const segments = entry.split("/");
  const wild = segments.findIndex((segment) => segment === ".." || /[*?{]/.test(segment));
  for (let end = wild === -1 ? segments.length : wild; end > 0; end -= 1) {
    const part = path.join(root, ...segments.slice(0, end));
    try {
      const below = path.relative(root, realpathSync(part)).split(path.sep).join("/");
      if (below === "" || below.startsWith("..") || path.isAbsolute(below)) return entry;
      const plain = segments.slice(0, end).filter((segment) => segment !== "" && segment !== ".");
      return below === plain.join("/") ? entry : [below, ...segments.slice(end)].join("/");
    } catch {
      // It is not there (yet); a folder further up may be.
    }
  }
  return entry;
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?{}[\]]/g, "\\$&");
}

function quote(text: string): string {
  return JSON.stringify(text);
}
