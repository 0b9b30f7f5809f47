import { CliError } from "./cli-error.ts";
import type { NexusContext } from "./context.ts";
import { readInput } from "./files/read-input.ts";
import { mapPath } from "./repository/map-path.ts";
import type { Workspace } from "./workspace.ts";

/** Touches as they are typed, as the server takes them. */
export function mapTouches(
  typed: readonly string[],
  workspace: Workspace,
  { platform }: NexusContext,
): { readonly path: string }[] {
  const origin = { cwd: workspace.cwd, root: workspace.checkout?.root, platform };
  return typed.map((path) => ({ path: mapPath(path, origin) }));
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
