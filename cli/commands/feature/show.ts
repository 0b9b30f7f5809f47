import { GetFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { formatFeature } from "../../output/describe-feature.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Shows one feature. */
export class FeatureShowCommand extends ProjectCommand {
  static override paths = [["feature", "show"]];
  static override usage = Command.Usage({
    description: "show a feature",
    examples: [["Show a feature with its spec", "$0 feature show login"]],
  });

  slug = Option.String({ required: true, name: "feature" });

  async run() {
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.features.getFeature({ projectId, slug: this.slug });
    const { feature } = answer;
    this.print(
      GetFeatureResponseSchema,
      answer,
      () => (feature === undefined ? "" : formatFeature(feature, this.terminal, this.context.now())),
      { names: [this.slug] },
    );
  }
}
