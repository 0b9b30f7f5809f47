import { Cli, type CommandClass } from "clipanion";
import { COMMANDS } from "./command-table.ts";
import type { NexusContext } from "./context.ts";

/** The part of docs/cli.md that is made from the commands: all of them in the order of the help, as Markdown. */
export async function commandReference(): Promise<string> {
  const sections = await Promise.all(
    COMMANDS.map(async ({ words, alias, load }) => describe(words.join(" "), alias, await load())),
  );
  return sections.join("\n");
}

function describe(name: string, alias: string | undefined, command: CommandClass<NexusContext>): string {
  const cli = new Cli<NexusContext>({ binaryName: "nexus" });
  cli.register(command);
  const [definition] = cli.definitions();
  const { description = "", details = "", examples = [] } = command.usage ?? {};
  // What every command takes is said once, at the top of the page.
  const own = (definition?.options ?? []).filter(({ definition: declared }) => !/^--(json|quiet)$/.test(declared));
  const options = own.map(({ definition: declared, description: told = "" }) => {
    const names = declared.replace(/ #\d.*$/, "").split(",");
    const long = names.find((each) => each.startsWith("--")) ?? "";
    const takes = declared.includes(" #") ? ` <${long.replace(/^--/, "")}>` : "";
    return `| \`${names.join(", ")}${takes}\` | ${told.replaceAll("|", "\\|")} |`;
  });
  return [
    `### nexus ${name}\n`,
    `${sentence(description)} ${details}`.trim(),
    `\n\`\`\`\n${definition?.usage ?? ""} [options]${alias === undefined ? "" : `\nnexus ${alias} …`}\n\`\`\`\n`,
    ...(options.length === 0 ? [] : ["| option | |\n| --- | --- |", ...options, ""]),
    ...examples.map(([purpose, line]) => `${purpose}:\n\n\`\`\`sh\n${line.replaceAll("$0", "nexus")}\n\`\`\`\n`),
  ].join("\n");
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
