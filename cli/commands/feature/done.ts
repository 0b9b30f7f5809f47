import { CompleteFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { HeldFeatureCommand } from "../../held-feature-command.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { repeatableRequestId } from "../../session/repeatable-request-id.ts";

/** Completes the feature that the session holds. */
export class FeatureDoneCommand extends HeldFeatureCommand {
  static override paths = [["feature", "done"], ["done"]];
  static override usage = Command.Usage({
    description: "complete a feature; its files are free at once",
    details: "Without a name: the feature that was picked here.",
    examples: [
      ["Complete what you hold", "$0 done"],
      ["Say where the work landed", "$0 done --branch main --commit 4f2a9c1"],
    ],
  });

  slug = Option.String({ required: false, name: "feature" });
  branch = Option.String("--branch", "", { description: "The branch that the work landed on" });
  commit = Option.String("--commit", "", { description: "The commit that the work landed in" });

  async run() {
    const { projectId, sessionId, slug, fencingToken } = await this.heldTarget(this.slug);
    const { branch, commit } = this;
    const answer = await this.currentSession.useOpen(sessionId, () =>
      this.workspace.client.features.completeFeature({
        projectId,
        slug,
        sessionId,
        fencingToken,
        landing: branch === "" && commit === "" ? undefined : { branch, commit },
        requestId: repeatableRequestId("done", projectId, slug, sessionId, String(fencingToken), branch, commit),
      }),
    );
    await this.currentSession.keep(sessionId, undefined);
    this.print(CompleteFeatureResponseSchema, answer, () => `${cleanLine(slug)} is done, and its files are free\n`);
  }
}
