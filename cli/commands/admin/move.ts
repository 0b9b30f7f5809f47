import { Command } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { runDataCommand } from "./data-command.ts";

/** From the embedded stores to a team's. */
export class AdminMoveCommand extends NexusCommand {
  static override paths = [["admin", "move"]];
  static override usage = Command.Usage({
    description: "bring what is in the data folder to the PostgreSQL that DATABASE_URL names",
    details:
      "Stop the server first. The database has to be empty; API_KEY_SALT has to be what is in the file api-key-salt of the data folder, so that keys stay valid. Sessions, claims and tokens go on. The data folder is left as it is, but no server starts over it any more.",
    examples: [["Move to PostgreSQL and Redis", "DATABASE_URL=… REDIS_URL=… API_KEY_SALT=… $0 admin move"]],
  });

  async run() {
    const { text, json } = await runDataCommand(this.context, ["move"]);
    this.context.stdout.write(this.json ? json : `moved ${text}; start servers with this environment\n`);
  }
}
