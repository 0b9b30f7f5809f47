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

/** What `nexus feature pick --help` prints. */
export function formatCommandHelp(help: CommandHelp, terminal: Terminal): string {
  const { bold } = createStyle(terminal.color);
  const columns = readableWidth(terminal);
  const { usage, aliases, description, details, options, examples } = help;
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
