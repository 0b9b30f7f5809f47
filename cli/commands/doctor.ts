import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { NexusCommand } from "../command.ts";
import type { Check, Section } from "../doctor/section.ts";
import { SECTIONS } from "../doctor/sections.ts";
import { ExitCode } from "../exit-codes.ts";
import { cleanLine } from "../output/clean-text.ts";

/** Looks at what Nexus needs here, and says what is wrong and what to do about it. */
export class DoctorCommand extends NexusCommand {
  static override paths = [["doctor"]];
  static override usage = Command.Usage({
    description: "look for what is wrong, and say what to do about it",
    details:
      "It changes nothing. The client's section looks at what commands run here need: configuration, state folder, git, the server and its version, your key, the project, the session; the keeper's at what renews the sessions of this machine. The server's section looks at the stores, clocks, tables, files and the port of a server with this environment (DATABASE_URL, REDIS_URL, or NEXUS_DATA_DIR): run it where and as the server runs. The exit code is 1 when something does not work.",
    examples: [
      ["Look at everything", "$0 doctor"],
      ["Why does a command fail here?", "$0 doctor client"],
      ["Look at the server's stores, as its own user", "sudo -u nexus $0 doctor server"],
    ],
  });

  sections = Option.Rest({ name: "section" });

  #failed = false;

  override async execute(): Promise<number | undefined> {
    const code = await super.execute();
    return this.#failed ? ExitCode.Failure : code;
  }

  async run() {
    const found = [];
    for (const section of this.#asked()) found.push({ name: section.name, checks: await this.#look(section) });
    this.#failed = found.some(({ checks }) => checks.some(({ state }) => state === "failure"));
    if (this.json) this.context.stdout.write(`${JSON.stringify({ sections: found })}\n`);
    else for (const { name, checks } of found) this.context.stdout.write(this.#sectionText(name, checks));
  }

  /** Who did not ask for a section may do without it: no server need be able to run where commands do. */
  async #look({ name, check }: Section): Promise<readonly Check[]> {
    try {
      return await check(this.context);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      const state = this.sections.includes(name) ? "failure" : "warning";
      return [{ name: "program", state, detail: error.message, next: error.next }];
    }
  }

  #asked() {
    const unknown = this.sections.find((word) => !SECTIONS.some(({ name }) => name === word));
    if (unknown !== undefined) {
      const names = SECTIONS.map(({ name }) => name).join(", ");
      throw new CliError(
        "USAGE_INVALID",
        `there is no section ${JSON.stringify(unknown)}; there are ${names}`,
        "nexus doctor --help",
      );
    }
    return SECTIONS.filter(({ name }) => this.sections.length === 0 || this.sections.includes(name));
  }

  #sectionText(name: string, checks: readonly Check[]): string {
    const { style } = this;
    const paint = { ok: style.green, warning: style.yellow, failure: style.red, skipped: style.dim };
    const width = Math.max(...checks.map((check) => check.name.length));
    const lines = checks.flatMap((check) => {
      const line = `  ${paint[check.state](check.state.padEnd(7))}  ${check.name.padEnd(width)}  ${cleanLine(check.detail)}`;
      return check.next === "" ? [line] : [line, `${" ".repeat(width + 13)}next: ${cleanLine(check.next)}`];
    });
    return `${[style.bold(name), ...lines].join("\n")}\n`;
  }
}
