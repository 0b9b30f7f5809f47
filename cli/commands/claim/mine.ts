import { create } from "@bufbuild/protobuf";
import { ListMyClaimsResponseSchema } from "@nexus/gen/nexus/v1/claim_service_pb";
import { Command } from "clipanion";
import { formatHeld } from "../../output/describe-claim.ts";
import { SessionCommand } from "../../session-command.ts";

/** Lists what the session holds. */
export class ClaimMineCommand extends SessionCommand {
  static override paths = [["claim", "mine"]];
  static override usage = Command.Usage({
    description: "list what this session holds",
    details: "Renews the session. Exits 6 when it has ended: then stop working on what it held.",
    examples: [
      ["Which files are mine?", "$0 claim mine"],
      ["The paths alone, for a script", "$0 claim mine --quiet"],
    ],
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const known = await this.currentSession.knownId();
    const answer =
      known === undefined
        ? create(ListMyClaimsResponseSchema)
        : await this.currentSession.useOpen(known, () =>
            this.workspace.client.claims.listMyClaims({ projectId, sessionId: known }),
          );
    const held = answer.claims.flatMap(({ touches }) => touches.map(({ path }) => path));
    this.print(
      ListMyClaimsResponseSchema,
      answer,
      () =>
        formatHeld(answer.claims, this.terminal, this.context.now()) ||
        "this session holds nothing\nnext: nexus next\n",
      { names: held },
    );
  }
}
