import { DeleteFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { cleanLine } from "../../output/clean-text.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Deletes a draft. */
export class FeatureDeleteCommand extends ProjectCommand {
  static override paths = [["feature", "delete"]];
  static override usage = Command.Usage({
    description: "delete a draft",
    details: "For good, and drafts only; what was ready once is cancelled instead.",
    examples: [["Delete a draft", "$0 feature delete login"]],
  });

  slug = Option.String({ required: true, name: "feature" });

  async run() {
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.features.deleteFeature({ projectId, slug: this.slug });
    this.print(DeleteFeatureResponseSchema, answer, () => `deleted ${cleanLine(this.slug)}\n`, { names: [this.slug] });
  }
}
