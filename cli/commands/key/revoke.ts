import { RevokeApiKeyResponseSchema } from "@nexus/gen/nexus/v1/auth_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { NexusCommand } from "../../command.ts";
import { cleanLine } from "../../output/clean-text.ts";

/** Ends one of the caller's keys. */
export class KeyRevokeCommand extends NexusCommand {
  static override paths = [["key", "revoke"]];
  static override usage = Command.Usage({
    description: "end one of your keys, everywhere within a minute",
    details: "By its id, as 'nexus key list' shows it. A key can end itself; nothing brings it back.",
    examples: [["A laptop was lost", "$0 key revoke 4fGh7KlMn0Pq"]],
  });

  keyId = Option.String({ required: true, name: "id" });

  async run() {
    // Who pastes a whole key is not told it again.
    const [, keyId = this.keyId] = /^nxs_([0-9A-Za-z]{12})(?:_|$)/.exec(this.keyId) ?? [];
    if (!/^[0-9A-Za-z]{12}$/.test(keyId)) {
      throw new CliError("USAGE_INVALID", "a key's id has 12 letters and digits", "nexus key list");
    }
    const answer = await this.workspace.client.auth.revokeApiKey({ keyId });
    this.print(RevokeApiKeyResponseSchema, answer, () => `key ${cleanLine(keyId)} has ended\n`, { names: [keyId] });
    if (this.workspace.server.apiKey?.startsWith(`nxs_${keyId}_`)) {
      this.note("it was the one that you are logged in with\nnext: nexus login --token -");
    }
  }
}
