import { posix } from "node:path";
import { cleanLine } from "../output/clean-text.ts";
import { closest } from "../output/closest.ts";

/** What the server takes of file names, and how many bytes of them fit a call. */
const MAX_PATHS = 100_000;
const MAX_BYTES = 6_000_000;
/** Files that a mistyped name is compared with. */
const MAX_COMPARED = 2_000;

/**
 * What is likely mistyped: touches without wildcards that are neither a file nor a folder yet, each with the file that
 * may be meant. Whether patterns match anything the server says, which alone knows how it reads them.
 */
export function lintTouches(touches: readonly string[], files: readonly string[]): string[] {
  if (files.length === 0) return [];
  const known = new Set(files);
  for (const file of files) {
    for (let folder = posix.dirname(file); folder !== "." && !known.has(folder); folder = posix.dirname(folder)) {
      known.add(folder);
    }
  }
  return touches
    .map((touch) => touch.replace(/^\.\//, "").replace(/\/$/, ""))
    .filter((touch) => !isPattern(touch) && !known.has(touch))
    .map((touch) => {
      const near = nearestFile(touch, files);
      const meant = near === undefined ? "" : `; ${cleanLine(near)} may be meant`;
      return `warning: there is no ${cleanLine(touch)} here yet${meant}`;
    });
}

/** The repository's files as the server wants them to look for patterns that match none; empty where that is no use. */
export function filesForPatterns(touches: readonly string[], files: readonly string[]): string[] {
  if (!touches.some(isPattern) || files.length > MAX_PATHS) return [];
  const bytes = files.reduce((sum, file) => sum + Buffer.byteLength(file) + 3, 0);
  return bytes > MAX_BYTES ? [] : [...files];
}

/** Whether a touch has wildcards, and so may match nothing. */
export function isPattern(touch: string): boolean {
  return touch.startsWith("glob:") || /[*?{]/.test(touch);
}

function nearestFile(touch: string, files: readonly string[]): string | undefined {
  const [folder, name] = [posix.dirname(touch), posix.basename(touch)];
  const near = files.filter((file) => posix.dirname(file) === folder || posix.basename(file) === name);
  return closest([touch], near.slice(0, MAX_COMPARED));
}
