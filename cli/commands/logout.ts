import { parseServerUrl } from "@nexus/client";
import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { NexusCommand } from "../command.ts";
import { writeConfig } from "../config/config-file.ts";

/** Forgets a key on this machine; the key itself stays good. */
export class LogoutCommand extends NexusCommand {
  static override paths = [["logout"]];
  static override usage = Command.Usage({
    description: "forget the key of a server",
    details:
      "The key stays good and can be used again with 'nexus login --token -'. Who has it nowhere else needs the operator's 'nexus admin reset-key'.",
    examples: [["Log out", "$0 logout"]],
  });

  server = Option.String("--server", { description: "The server's address; else the one that commands go to" });

  async run() {
    const url = this.#url();
    const { server, keys } = this.workspace.config;
    const { [url]: forgotten, ...others } = keys;
    if (forgotten !== undefined) {
      writeConfig(this.context.env, { server: server === url ? undefined : server, keys: others });
    }
    const told = forgotten === undefined ? `you were not logged in to ${url}` : `logged out of ${url}`;
    this.printValue(
      () => ({}),
      () => `${told}\n`,
    );
    if (this.context.env["NEXUS_API_KEY"]) this.note("NEXUS_API_KEY is still set");
  }

  #url(): string {
    try {
      return this.server === undefined ? this.workspace.server.url : parseServerUrl(this.server);
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw new CliError("USAGE_INVALID", `--server: ${(cause as Error).message}`, "", { cause });
    }
  }
}
