import { GetCurrentEngineerResponseSchema } from "@nexus/gen/nexus/v1/auth_service_pb";
import { Command } from "clipanion";
import { NexusCommand } from "../command.ts";
import { formatFields } from "../output/fields.ts";

/** Shows whose key is used, and where. */
export class WhoamiCommand extends NexusCommand {
  static override paths = [["whoami"]];
  static override usage = Command.Usage({
    description: "show who you are, on which server",
    examples: [["Show who you are", "$0 whoami"]],
  });

  async run() {
    const { server } = this.workspace;
    const answer = await this.workspace.client.auth.getCurrentEngineer({});
    const { engineer, apiKey } = answer;
    this.print(
      GetCurrentEngineerResponseSchema,
      answer,
      () =>
        formatFields(
          [
            ["name", engineer?.name ?? ""],
            ["email", engineer?.email ?? ""],
            ["server", `${server.url} (from ${server.chosenBy})`],
            ["key", apiKey === undefined ? "" : `nxs_${apiKey.id}_…${apiKey.lastFour} ${apiKey.name}`],
          ],
          this.terminal,
        ),
      { names: [engineer?.email ?? ""] },
    );
  }
}
