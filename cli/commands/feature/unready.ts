import { UnreadyFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { cleanLine } from "../../output/clean-text.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Makes a ready feature a draft again. */
export class FeatureUnreadyCommand extends ProjectCommand {
  static override paths = [["feature", "unready"]];
  static override usage = Command.Usage({
    description: "make a ready feature a draft again",
    examples: [["Nobody shall pick it yet", "$0 feature unready login"]],
  });

  slug = Option.String({ required: true, name: "feature" });

  async run() {
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.features.unreadyFeature({ projectId, slug: this.slug });
    const slug = cleanLine(answer.feature?.slug ?? this.slug);
    this.print(UnreadyFeatureResponseSchema, answer, () => `${slug} is a draft\n`, { names: [slug] });
  }
}
