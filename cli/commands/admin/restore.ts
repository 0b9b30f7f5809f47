import { Command, Option } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { runDataCommand } from "./data-command.ts";

/** A backup, loaded into stores that are empty. */
export class AdminRestoreCommand extends NexusCommand {
  static override paths = [["admin", "restore"]];
  static override usage = Command.Usage({
    description: "load a backup into an empty data folder or an empty database",
    details:
      "Needs the configuration of the server to come (NEXUS_DATA_DIR, or DATABASE_URL). The file is checked, and all of it is loaded or nothing; nothing is overwritten. No token or event number that was given after the backup was made is ever given again.",
    examples: [["Restore into a new data folder", "NEXUS_DATA_DIR=/srv/nexus $0 admin restore nexus-monday.gz"]],
  });

  file = Option.String({ required: true, name: "file" });

  async run() {
    const { text, json } = await runDataCommand(this.context, ["restore", this.file]);
    this.context.stdout.write(this.json ? json : `restored ${text}; start the server\n`);
  }
}
