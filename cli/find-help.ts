import { join } from "node:path";
import type { CommandHelp } from "./command-help.ts";
import type { CommandEntry } from "./command-table.ts";
import type { NexusContext } from "./context.ts";
import { readJsonFile } from "./files/private-file.ts";

/** The help of a command: from the file that was built beside the bundle, since loading the command takes longer. */
export async function findHelp(
  { words, load }: CommandEntry,
  { programFolder }: Pick<NexusContext, "programFolder">,
): Promise<CommandHelp> {
  const built = readJsonFile(join(programFolder, "help.json")) as Readonly<Record<string, CommandHelp>> | undefined;
  const help = built?.[words.join(" ")];
  if (help !== undefined) return help;
  return (await import("./describe-command.ts")).describeCommand(await load());
}
