import { CliError } from "./cli-error.ts";
import type { NexusContext } from "./context.ts";
import { readInput } from "./files/read-input.ts";
import { mapPath } from "./repository/map-path.ts";
import type { Workspace } from "./workspace.ts";

/** Touches as they are typed, from the current folder, as the server takes them. */
export function mapTouches(
  typed: readonly string[],
  workspace: Workspace,
  { platform }: NexusContext,
  cwd: string = workspace.cwd,
): { readonly path: string }[] {
  const origin = { cwd, root: workspace.checkout?.root, platform };
  return typed.map((path) => ({ path: mapPath(path, origin) }));
}

/** The same of a file's touches, which mean the same wherever a command is run: from the top of the repository. */
export function mapFileTouches(typed: readonly string[], workspace: Workspace, context: NexusContext) {
  return mapTouches(typed, workspace, context, workspace.checkout?.root);
}

/**
 * The spec given as text or as a file's name (`-` for stdin); undefined when neither is.
 *
 * @throws CliError when both are
 */
export async function readSpec(
  text: string | undefined,
  file: string | undefined,
  context: NexusContext,
): Promise<string | undefined> {
  if (text !== undefined && file !== undefined) {
    throw new CliError("USAGE_INVALID", "either --spec or --spec-file can be given, not both");
  }
  return file === undefined ? text : readInput(file, context);
}
