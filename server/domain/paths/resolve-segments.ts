import { literalOf, type Node, nodesToText } from "./entry-node.ts";
import { PathProblem, quote } from "./path-problem.ts";

/**
 * Splits nodes at `/` and resolves `.`, `..` and empty segments. A `/` inside a choice splits nothing: each reading of
 * the choice is resolved again by itself.
 *
 * @param shown the entry as the caller wrote it, for the description of a problem
 * @throws PathProblem when it is absolute, leaves the repository, names all of it, or ends with `/` after a wildcard
 */
export function resolveSegments<N extends Node>(
  nodes: readonly N[],
  { shown, wildcards }: { readonly shown: string; readonly wildcards: boolean },
): readonly (readonly N[])[] {
  const segments = splitAtSlashes(nodes);
  if (segments.length > 1 && segments[0]?.length === 0) {
    const relative = nodesToText(nodes).replace(/^\/+/, "");
    throw new PathProblem(
      `${quote(shown)} is absolute; paths are relative to the root of the repository` +
        (relative === "" ? ' (write "**" for all of it)' : `: write ${quote(relative)} if you mean that file there`),
    );
  }
  if (wildcards && segments.length > 1 && segments.at(-1)?.length === 0) {
    const start = nodesToText(nodes).replace(/\/+$/, "");
    throw new PathProblem(
      `${quote(shown)} ends with "/" after a wildcard; write ${quote(`${start}/**`)} for all below it`,
    );
  }

  const resolved: (readonly N[])[] = [];
  for (const segment of segments) {
    const literal = literalOf(segment);
    if (literal === "" || literal === ".") continue;
    if (literal === "..") leaveFolder(resolved, shown);
    else resolved.push(segment);
  }
  if (resolved.length === 0) {
    throw new PathProblem(
      shown === ""
        ? 'it is empty; write "**" for the whole repository'
        : `${quote(shown)} names the whole repository; write "**"`,
    );
  }
  return resolved;
}

function leaveFolder(resolved: (readonly Node[])[], shown: string): void {
  const left = resolved.pop();
  if (left === undefined) {
    throw new PathProblem(`${quote(shown)} leads out of the repository; name paths inside it, relative to its root`);
  }
  // Without one brace of a literal pair its other brace could pair with another and mean a choice.
  if (!/^[^{}]*$/.test(literalOf(left) ?? "{")) {
    throw new PathProblem(`".." stands after a wildcard or brace in ${quote(shown)}; write the path without ".."`);
  }
}

function splitAtSlashes<N extends Node>(nodes: readonly N[]): N[][] {
  const segments: N[][] = [[]];
  for (const node of nodes) {
    if (node.kind === "slash") segments.push([]);
    else segments.at(-1)?.push(node);
  }
  return segments;
}
