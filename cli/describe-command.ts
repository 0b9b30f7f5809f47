import { Cli, type CommandClass } from "clipanion";
import type { CommandHelp } from "./command-help.ts";
import { COMMANDS } from "./command-table.ts";
import type { NexusContext } from "./context.ts";

/** Options that most commands share; they come last. */
const COMMON_OPTIONS = ["--session", "--project", "--json", "--quiet"];

/** What the help of a command is made of: of its declarations and of nothing else. */
export function describeCommand(command: CommandClass<NexusContext>): CommandHelp {
  const cli = new Cli<NexusContext>({ binaryName: "nexus" });
  cli.register(command);
  const [definition] = cli.definitions();
  const { description = "", details = "", examples = [] } = command.usage ?? {};
  const options = (definition?.options ?? []).map(({ definition: declared, description: told = "" }) => {
    const names = declared.replace(/ #0$/, "").split(",");
    const long = names.find((name) => name.startsWith("--")) ?? "";
    const takes = declared.endsWith(" #0") ? ` <${long.replace(/^--/, "")}>` : "";
    return { term: `${names.join(", ")}${takes}`, description: told, common: COMMON_OPTIONS.includes(long) };
  });
  return {
    usage: definition?.usage ?? "",
    aliases: (command.paths ?? []).slice(1).map((words) => `nexus ${words.join(" ")}`),
    description,
    details,
    options: [...options.filter(({ common }) => !common), ...options.filter(({ common }) => common)],
    examples: examples.map(([purpose, line]) => [purpose, line.replaceAll("$0", "nexus")]),
  };
}

/** The help of every command by its words, for the file that the build makes of it. */
export async function describeCommands(): Promise<Readonly<Record<string, CommandHelp>>> {
  const described = COMMANDS.map(async ({ words, load }) => [words.join(" "), describeCommand(await load())]);
  return Object.fromEntries(await Promise.all(described));
}
