import { ReleasePathsResponseSchema } from "@nexus/gen/nexus/v1/claim_service_pb";
import { Command, Option } from "clipanion";
import { mapTouches } from "../../feature-fields.ts";
import { HeldFeatureCommand } from "../../held-feature-command.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { formatHeld } from "../../output/describe-claim.ts";

/** Frees files in mid-work. */
export class ClaimReleaseCommand extends HeldFeatureCommand {
  static override paths = [["claim", "release"]];
  static override usage = Command.Usage({
    description: "free some of the files that you hold, and go on with the feature",
    details: "Paths and patterns as they were claimed; 'nexus claim mine' lists them. They are free at once.",
    examples: [["Somebody waits for a file that is not needed any more", "$0 claim release src/session.ts"]],
  });

  files = Option.Rest({ required: 1, name: "path" });

  async run() {
    const target = await this.heldTarget(undefined);
    const paths = mapTouches(this.files, this.workspace, this.context).map(({ path }) => path);
    const answer = await this.currentSession.useOpen(target.sessionId, () =>
      this.workspace.client.claims.releasePaths({ ...target, paths }),
    );
    this.print(
      ReleasePathsResponseSchema,
      answer,
      () => {
        const rest = formatHeld(answer.claims, this.terminal, this.context.now());
        return `freed ${paths.map(cleanLine).join(", ")}\n${rest === "" ? "you hold no files any more" : `you still hold\n${rest.trimEnd()}`}\n`;
      },
      { names: paths },
    );
  }
}
