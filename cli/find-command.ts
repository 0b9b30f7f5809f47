import { CliError } from "./cli-error.ts";
import { COMMANDS, type CommandEntry } from "./command-table.ts";
import { closest } from "./output/closest.ts";

/** What a command line asks for: a command with its arguments, or help on some words. */
export type Asked =
  | { readonly kind: "command"; readonly entry: CommandEntry; readonly args: readonly string[] }
  | { readonly kind: "command-help"; readonly entry: CommandEntry }
  | { readonly kind: "group-help"; readonly group: string }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

/**
 * Finds the command by its leading words.
 *
 * @throws CliError USAGE_INVALID with the closest command when there is none
 */
export function findCommand(argv: readonly string[]): Asked {
  const [first, second] = argv;
  if (first === "help") return findCommand([...argv.slice(1), "--help"]);
  if (first === "--version" || first === "-v") return { kind: "version" };
  const wantsHelp = argv.slice(0, endOfOptions(argv)).some((arg) => arg === "--help" || arg === "-h");
  if (first === undefined || first === "--help" || first === "-h") return { kind: "help" };
  const entry = COMMANDS.find(({ words, alias }) => words.every((word, at) => argv[at] === word) || alias === first);
  if (entry !== undefined) return wantsHelp ? { kind: "command-help", entry } : { kind: "command", entry, args: argv };
  if (!COMMANDS.some(({ words }) => words.length > 1 && words[0] === first)) {
    throw unknown(first, argv, commandNames());
  }
  if (wantsHelp && (second === undefined || second.startsWith("-"))) return { kind: "group-help", group: first };
  if (second === undefined || second.startsWith("-")) {
    const verbs = COMMANDS.filter(({ words }) => words[0] === first).map(({ words }) => words[1]);
    throw new CliError("USAGE_INVALID", `nexus ${first} needs one of ${verbs.join(", ")}`, `nexus ${first} --help`);
  }
  throw unknown(
    `${first} ${second}`,
    argv,
    commandNames().filter((name) => name.startsWith(`${first} `)),
  );
}

function commandNames(): string[] {
  return COMMANDS.flatMap(({ words, alias }) => [words.join(" "), ...(alias === undefined ? [] : [alias])]);
}

function unknown(name: string, argv: readonly string[], names: readonly string[]): CliError {
  // "nexus feature" without its verb may be meant by one word as well as by two.
  const typed = [name, argv.slice(0, 2).join(" ")];
  const near = closest(typed, names);
  const hint = near === undefined ? "nexus --help" : `nexus ${near}`;
  return new CliError("USAGE_INVALID", `there is no command ${JSON.stringify(name)}`, hint);
}

function endOfOptions(argv: readonly string[]): number {
  const at = argv.indexOf("--");
  return at === -1 ? argv.length : at;
}
