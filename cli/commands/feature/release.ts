import { ReleaseFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { HeldFeatureCommand } from "../../held-feature-command.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { repeatableRequestId } from "../../session/repeatable-request-id.ts";

/** Gives back the feature that the session holds. */
export class FeatureReleaseCommand extends HeldFeatureCommand {
  static override paths = [["feature", "release"]];
  static override usage = Command.Usage({
    description: "give a feature back; its files are free at once",
    details: "It is ready again, for anybody. Without a name: the feature that was picked here.",
    examples: [["Give back what you hold", "$0 feature release"]],
  });

  slug = Option.String({ required: false, name: "feature" });

  async run() {
    const { projectId, sessionId, slug, fencingToken } = await this.heldTarget(this.slug);
    const answer = await this.currentSession.useOpen(sessionId, () =>
      this.workspace.client.features.releaseFeature({
        projectId,
        slug,
        sessionId,
        fencingToken,
        requestId: repeatableRequestId("release", projectId, slug, sessionId, String(fencingToken)),
      }),
    );
    await this.currentSession.keep(sessionId, undefined);
    this.print(
      ReleaseFeatureResponseSchema,
      answer,
      () => `${cleanLine(slug)} is ready again, and its files are free\n`,
      { names: [slug] },
    );
  }
}
