import { ForceReleaseClaimResponseSchema } from "@nexus/gen/nexus/v1/claim_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Takes a feature away from its holder. */
export class ClaimForceReleaseCommand extends ProjectCommand {
  static override paths = [["claim", "force-release"]];
  static override usage = Command.Usage({
    description: "take a feature away from whoever holds it",
    details:
      "For owners, and for your own sessions. The feature is ready again with a note that its work broke off, and its files are free after the project's lock delay. The holder is told with the reason, and every later change of theirs is refused. To go on with it yourself, 'nexus pick <feature> --take-over' keeps the files held.",
    examples: [["An agent hangs", '$0 claim force-release login --reason "the agent hangs since noon"']],
  });

  slug = Option.String({ required: true, name: "feature" });
  reason = Option.String("--reason", { description: "Why, for the holder and for the record" });

  async run() {
    const { slug, reason } = this;
    if (!reason) {
      const command = `nexus claim force-release ${cleanLine(slug)} --reason <why>`;
      throw new CliError("USAGE_INVALID", "the holder is told why: --reason is needed", command);
    }
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.claims.forceReleaseClaim({ projectId, slug, reason });
    const former = cleanLine(answer.formerHolder?.engineerName ?? "somebody");
    this.print(
      ForceReleaseClaimResponseSchema,
      answer,
      () => `${cleanLine(slug)} is taken from ${former}, and ready again; its files are free after the lock delay\n`,
      { names: [slug] },
    );
  }
}
