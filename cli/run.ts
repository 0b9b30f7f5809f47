import type { CommandClass, Definition } from "clipanion";
import { CliError } from "./cli-error.ts";
import type { NexusCommand } from "./command.ts";
import type { CommandEntry } from "./command-table.ts";
import type { NexusContext } from "./context.ts";
import { findCommand } from "./find-command.ts";
import { closest } from "./output/closest.ts";
import { terminalOf } from "./output/terminal.ts";
import { VERSION } from "./version.ts";

/**
 * Runs a command line. Every outcome is printed; nothing is thrown.
 *
 * Answers the exit code, or undefined when a server now runs in this process.
 */
export async function run(argv: readonly string[], context: NexusContext): Promise<number | undefined> {
  try {
    const asked = findCommand(argv);
    switch (asked.kind) {
      case "version":
        context.stdout.write(`${VERSION}\n`);
        return 0;
      case "help":
        context.stdout.write((await import("./help.ts")).overview(terminalOf(context.stdout, context.env)));
        return 0;
      case "group-help": {
        const { groupOverview } = await import("./help.ts");
        context.stdout.write(groupOverview(asked.group, terminalOf(context.stdout, context.env)));
        return 0;
      }
      case "command-help":
        context.stdout.write(await helpOf(asked.entry, context));
        return 0;
      case "command":
        return await runCommand(await asked.entry.load(), asked.args, context);
    }
  } catch (error) {
    const { reportFailure } = await import("./report-failure.ts");
    return reportFailure(error, wantsJson(argv), context);
  }
}

async function runCommand(
  command: CommandClass<NexusContext>,
  args: readonly string[],
  context: NexusContext,
): Promise<number | undefined> {
  const cli = await cliOf(command, context);
  const parsed = parse(
    () => cli.process([...args], context) as NexusCommand,
    () => cli.definitions()[0],
  );
  try {
    return (await parsed.execute()) ?? undefined;
  } catch (error) {
    const { reportFailure } = await import("./report-failure.ts");
    return reportFailure(error, wantsJson(args), context, parsed.failureContext());
  }
}

function parse<Parsed>(process: () => Parsed, definition: () => Definition | undefined): Parsed {
  try {
    return process();
  } catch (error) {
    const { path = "nexus", usage = path, options = [] } = definition() ?? {};
    // Clipanion's own message repeats the usage; its candidates carry the reason alone.
    const { candidates } = error as { readonly candidates?: readonly { readonly reason: string | null }[] };
    const reason = candidates?.find((candidate) => candidate.reason)?.reason ?? (error as Error).message;
    const [, unknown] = /^Unsupported option name \("(.*)"\)/.exec(reason) ?? [];
    if (unknown === undefined) {
      const written = /positional/.test(reason) ? `; it is written: ${usage}` : "";
      throw new CliError("USAGE_INVALID", `${reason.replace(/\.$/, "")}${written}`, `${path} --help`, { cause: error });
    }
    const names = options.flatMap((option) => option.definition.replace(/ #0$/, "").split(","));
    const near = closest([unknown], names);
    const message = `${path} has no option ${unknown}${near === undefined ? "" : `; ${near} may be meant`}`;
    throw new CliError("USAGE_INVALID", message, `${path} --help`, { cause: error });
  }
}

async function helpOf(entry: CommandEntry, context: NexusContext): Promise<string> {
  const [{ findHelp }, { formatCommandHelp }] = [await import("./find-help.ts"), await import("./command-help.ts")];
  return formatCommandHelp(await findHelp(entry, context), terminalOf(context.stdout, context.env));
}

async function cliOf(command: CommandClass<NexusContext>, context: NexusContext) {
  const { Cli } = await import("clipanion");
  const cli = new Cli<NexusContext>({ binaryName: "nexus", enableColors: context.colorDepth > 1 });
  cli.register(command);
  return cli;
}

function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? undefined : end).includes("--json");
}
