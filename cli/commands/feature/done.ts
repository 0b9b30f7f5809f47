import { CompleteFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { HeldFeatureCommand } from "../../held-feature-command.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { headCommit } from "../../repository/git.ts";
import { repeatableRequestId } from "../../session/repeatable-request-id.ts";

/** Completes the feature that the session holds. */
export class FeatureDoneCommand extends HeldFeatureCommand {
  static override paths = [["feature", "done"], ["done"]];
  static override usage = Command.Usage({
    description: "complete a feature; its files are free at once",
    details:
      "Without a name: the feature that was picked here. What is checked out here is noted as where the work landed, so that others hear of it until it is merged.",
    examples: [
      ["Complete what you hold", "$0 done"],
      ["Say where the work landed", "$0 done --branch main --commit 4f2a9c1"],
    ],
  });

  slug = Option.String({ required: false, name: "feature" });
  branch = Option.String("--branch", "", {
    description: "The branch that the work landed on; else the one that is checked out here",
  });
  commit = Option.String("--commit", "", {
    description: "The commit that the work landed in; else the one that is checked out here",
  });

  async run() {
    const { projectId, sessionId, slug, fencingToken } = await this.heldTarget(this.slug);
    const { branch, commit } = await this.#landing();
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
    this.print(CompleteFeatureResponseSchema, answer, () => `${cleanLine(slug)} is done, and its files are free\n`, {
      names: [slug],
    });
  }

  async #landing(): Promise<{ branch: string; commit: string }> {
    const { checkout } = this.workspace;
    const { branch, commit } = this;
    // Where one of the two is said, the other one is not guessed: it may be somewhere else.
    if (checkout === undefined || branch !== "" || commit !== "") return { branch, commit };
    // Whether there is a commit to be noted, or a git to ask, is no reason not to be done.
    return { branch: checkout.branch, commit: await headCommit(checkout.root).catch(() => "") };
  }
}
