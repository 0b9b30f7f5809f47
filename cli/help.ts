import { COMMANDS, type CommandEntry } from "./command-table.ts";
import { createStyle } from "./output/style.ts";
import type { Terminal } from "./output/terminal.ts";
import { readableWidth, wrapEntry } from "./output/wrap-text.ts";

/** What `nexus --help` prints. No command is loaded for it. */
export function overview(terminal: Terminal): string {
  const { bold } = createStyle(terminal.color);
  const groups = Map.groupBy(COMMANDS, ({ words }) => (words.length > 1 ? words[0] : ""));
  const sections = [...groups].map(([group, entries]) => `${bold(group || "general")}\n${listing(entries, terminal)}`);
  const begin = [
    "nexus setup",
    "nexus feature create --title Login --touch src/auth.ts",
    "nexus feature ready login && nexus pick login",
  ];
  return [
    "Nexus keeps agents that work on one codebase from editing the same files.\n",
    `${bold("usage")}\n  nexus <command> [options]      nexus <command> --help\n`,
    ...sections,
    `${bold("begin")}\n${begin.map((line) => `  ${line}\n`).join("")}`,
  ].join("\n");
}

/** What `nexus feature --help` prints. */
export function groupOverview(group: string, terminal: Terminal): string {
  const entries = COMMANDS.filter(({ words }) => words[0] === group);
  const { bold } = createStyle(terminal.color);
  const example = entries[0]?.words.join(" ") ?? group;
  return `${bold(`nexus ${group}`)}\n${listing(entries, terminal)}\nHow one is used, with an example: nexus ${example} --help\n`;
}

function listing(entries: readonly CommandEntry[], terminal: Terminal): string {
  const width = Math.max(...COMMANDS.map(({ words }) => words.join(" ").length));
  return entries
    .map(({ words, alias, summary }) => {
      const short = alias === undefined ? "" : ` (also: nexus ${alias})`;
      return wrapEntry(words.join(" "), `${summary}${short}`, width, readableWidth(terminal));
    })
    .join("");
}
