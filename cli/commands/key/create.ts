import { CreateApiKeyResponseSchema } from "@nexus/gen/nexus/v1/auth_service_pb";
import { ApiKeyScope } from "@nexus/gen/nexus/v1/engineer_pb";
import { Command, Option } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { parseEnumWord } from "../../output/enum-words.ts";
import { parseSpan } from "../../output/spans.ts";

/** Makes another key for the caller. */
export class KeyCreateCommand extends NexusCommand {
  static override paths = [["key", "create"]];
  static override usage = Command.Usage({
    description: "make another key for yourself, for a program or another machine",
    details: "The key is shown this once. With --quiet nothing else is printed, so that a script can take it.",
    examples: [
      ["For continuous integration, good for 90 days", "$0 key create ci --lifetime 90d"],
      ["One that can only read, into a variable", "KEY=$($0 key create dashboard --scope read --quiet)"],
    ],
  });

  keyName = Option.String({ required: true, name: "name" });
  scope = Option.String("--scope", "full", { description: "full, or read for what changes nothing; else full" });
  lifetime = Option.String("--lifetime", { description: "How long it is good: 12h, 90d; else for good" });

  async run() {
    const answer = await this.workspace.client.auth.createApiKey({
      name: this.keyName,
      scope: parseEnumWord<ApiKeyScope>(ApiKeyScope, this.scope, "--scope"),
      ...(this.lifetime === undefined ? {} : { lifetime: parseSpan(this.lifetime, "--lifetime") }),
    });
    const apiKey = cleanLine(answer.apiKey);
    this.print(
      CreateApiKeyResponseSchema,
      answer,
      () =>
        `your new key, shown this once:\n  ${apiKey}\nnext, where it is used: nexus login --token -   (or set NEXUS_API_KEY)\n`,
      { names: [apiKey] },
    );
  }
}
