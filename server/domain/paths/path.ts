import type { Branded } from "../ids.ts";
import { compileReading } from "./compile-reading.ts";
import type { Atom } from "./entry-node.ts";
import { nodesToText } from "./entry-node.ts";
import { composeEntry } from "./parse-pattern.ts";
import { PathProblem } from "./path-problem.ts";
import type { Pattern } from "./pattern.ts";
import { resolveSegments } from "./resolve-segments.ts";
import { scanEntry } from "./scan-entry.ts";

/**
 * The path of one file or folder in its normal form: relative to the root of the repository, `/`-separated, NFC. Every
 * character stands for itself, `*` and `{` too: it is what git prints, not what people write as a touch.
 */
export type FilePath = Branded<"FilePath">;

/** Brings a path into its normal form, or answers what is wrong with it. */
export function parseFilePath(text: string): FilePath | PathProblem {
  return PathProblem.catch(() => {
    const segments = resolvePath(text);
    compileReading(segments, true);
    return segments.map(nodesToText).join("/") as FilePath;
  });
}

/** The entry that covers this path and all below it: the path itself, escaped where an entry would read it otherwise. */
export function filePathToPattern(path: FilePath, options: { readonly caseSensitive: boolean }): Pattern {
  const readOtherwise = /[*?{]/.test(path) || path.startsWith("glob:");
  return {
    text: readOtherwise ? `glob:${path.replaceAll(/[*?{[\\]/g, "\\$&")}` : path,
    alternatives: [{ segments: compileReading(resolvePath(path), options.caseSensitive), tree: true }],
  };
}

function resolvePath(text: string): readonly (readonly Atom[])[] {
  const entry = composeEntry(text);
  // A path has no choices, so that all its nodes are atoms.
  const nodes = scanEntry(entry, { syntax: "path", caseSensitive: true }).filter(
    (node): node is Atom => node.kind !== "choice",
  );
  return resolveSegments(nodes, { shown: entry, wildcards: false });
}
