import { Command, Option } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { runDataCommand } from "./data-command.ts";

/** Everything that a server keeps, in one file. */
export class AdminBackupCommand extends NexusCommand {
  static override paths = [["admin", "backup"]];
  static override usage = Command.Usage({
    description: "write everything that a server keeps to one file, also while it runs",
    details:
      "Needs the server's configuration (NEXUS_DATA_DIR, or DATABASE_URL). The file must not exist. Keep it as secret as the data folder: keys can be verified with what is in it.",
    examples: [["Back up the data folder", "$0 admin backup nexus-monday.gz"]],
  });

  file = Option.String({ required: true, name: "file" });

  async run() {
    const { text, json } = await runDataCommand(this.context, ["backup", this.file]);
    this.context.stdout.write(this.json ? json : `${this.file} has ${text}\n`);
  }
}
