import { Command } from "clipanion";
import { NexusCommand } from "../command.ts";
import { VERSION } from "../version.ts";

/** Prints the version. */
export class VersionCommand extends NexusCommand {
  static override paths = [["version"]];
  static override usage = Command.Usage({
    description: "print the version",
    examples: [["Print the version", "$0 version"]],
  });

  async run() {
    this.context.stdout.write(this.json ? `${JSON.stringify({ version: VERSION })}\n` : `${VERSION}\n`);
  }
}
