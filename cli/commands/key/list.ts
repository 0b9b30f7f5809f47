import { ListApiKeysResponseSchema } from "@nexus/gen/nexus/v1/auth_service_pb";
import { ApiKeyScope } from "@nexus/gen/nexus/v1/engineer_pb";
import { Command } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { listAll } from "../../list-all.ts";
import { enumWord } from "../../output/enum-words.ts";
import { relativeTime } from "../../output/relative-time.ts";
import { formatTable } from "../../output/table.ts";

/** Lists the caller's keys, never the keys themselves. */
export class KeyListCommand extends NexusCommand {
  static override paths = [["key", "list"]];
  static override usage = Command.Usage({
    description: "list your keys, the newest first",
    details: "Not the keys themselves: those are shown once, when they are made.",
    examples: [["Which keys do I have, and which are unused?", "$0 key list"]],
  });

  async run() {
    const { auth } = this.workspace.client;
    const answer = await listAll("apiKeys", (page) => auth.listApiKeys(page));
    const now = this.context.now();
    this.print(
      ListApiKeysResponseSchema,
      answer,
      () =>
        formatTable(
          [
            { heading: "id", cell: ({ id }) => id },
            { heading: "ends in", cell: ({ lastFour }) => lastFour },
            { heading: "name", cell: ({ name }) => name, flexible: true },
            { heading: "scope", cell: ({ scope }) => enumWord(ApiKeyScope, scope) },
            { heading: "created", cell: ({ createTime }) => relativeTime(createTime, now) },
            { heading: "last used", cell: ({ lastUsedTime }) => relativeTime(lastUsedTime, now) || "never" },
            { heading: "expires", cell: ({ expireTime }) => relativeTime(expireTime, now) },
          ],
          answer.apiKeys,
          this.terminal,
        ),
      { names: answer.apiKeys.map(({ id }) => id) },
    );
  }
}
