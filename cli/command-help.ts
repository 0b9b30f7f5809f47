import { Cli, type CommandClass } from "clipanion";
import type { NexusContext } from "./context.ts";
import { createStyle } from "./output/style.ts";
import type { Terminal } from "./output/terminal.ts";
import { breakCommand, indentText, readableWidth, wrapEntry } from "./output/wrap-text.ts";

/** An option of a command, as help shows it. */
export interface OptionHelp {
  /** Its names with what it takes: `--touch <touch>`. */
  readonly term: string;
  readonly description: string;
  /** Whether most commands have it. */
  readonly common: boolean;
}

/** What a command's help says. */
export interface CommandHelp {
  /** `nexus feature pick <feature>`; options are not in it. */
  readonly usage: string;
  /** Shorter names: `nexus pick`. */
  readonly aliases: readonly string[];
  readonly description: string;
  readonly details: string;
  readonly options: readonly OptionHelp[];
  /** What an example is for, and its command line. */
  readonly examples: readonly (readonly [purpose: string, command: string])[];
}

/** Options that most commands share; they come last. */
const COMMON_OPTIONS = ["--session", "--project", "--json", "--quiet"];

/** What the help of a command is made of: of its declarations and of nothing else. */
export function commandHelp(command: CommandClass<NexusContext>): CommandHelp {
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

/** What `nexus feature pick --help` prints. */
export function formatCommandHelp(command: CommandClass<NexusContext>, terminal: Terminal): string {
  const { bold } = createStyle(terminal.color);
  const columns = readableWidth(terminal);
  const { usage, aliases, description, details, options, examples } = commandHelp(command);
  const width = Math.min(26, Math.max(...options.map(({ term }) => term.length)));
  const section = (name: string, text: string) => (text === "" ? "" : `\n${bold(name)}\n${text}`);
  const listed = (common: boolean) =>
    options
      .filter((option) => option.common === common)
      .map(({ term, description: told }) => wrapEntry(term, told, width, columns))
      .join("");
  const shown = examples.map(
    ([purpose, line]) =>
      `${indentText(/[?:]$/.test(purpose) ? purpose : `${purpose}:`, columns)}${breakCommand(line, columns)}`,
  );
  return [
    `${bold(usage)} [options]\n`,
    ...aliases.map((alias) => `  also: ${bold(alias)}\n`),
    "\n",
    indentText(`${description.slice(0, 1).toUpperCase()}${description.slice(1)}.`, columns),
    details === "" ? "" : `\n${indentText(details, columns)}`,
    section("options", listed(false)),
    section("common options", listed(true)),
    section("examples", shown.join("")),
  ].join("");
}
