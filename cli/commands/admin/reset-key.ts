import { Command, Option } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { runServerProgram } from "../../config/run-server-program.ts";

/** A new key for who has none left. */
export class AdminResetKeyCommand extends NexusCommand {
  static override paths = [["admin", "reset-key"]];
  static override usage = Command.Usage({
    description: "make a new key for an engineer who lost theirs, on the server's own machine",
    details:
      "Needs the server's configuration (DATABASE_URL, API_KEY_SALT, or NEXUS_DATA_DIR). The server may go on running meanwhile.",
    examples: [["Make a new key", "$0 admin reset-key ana@example.com"]],
  });

  email = Option.String({ required: true, name: "email" });

  async run() {
    const { stdout, stderr } = await runServerProgram(this.context, ["admin", "reset-key", this.email]);
    const apiKey = stdout.trim();
    if (!this.json) this.context.stderr.write(stderr);
    this.context.stdout.write(this.json ? `${JSON.stringify({ apiKey })}\n` : `${apiKey}\n`);
  }
}
