import { ListAvailableFeaturesResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command } from "clipanion";
import { listAll } from "../../list-all.ts";
import { formatFeatures } from "../../output/describe-feature.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists what could be picked now. */
export class FeatureAvailableCommand extends ProjectCommand {
  static override paths = [["feature", "available"]];
  static override usage = Command.Usage({
    description: "list the features that could be picked now",
    details: "Ready, with everything that they depend on done, and with all their files free. The most wanted first.",
    examples: [["What could I work on?", "$0 feature available"]],
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const { features } = this.workspace.client;
    const answer = await listAll("features", (page) => features.listAvailableFeatures({ projectId, ...page }));
    this.print(ListAvailableFeaturesResponseSchema, answer, () =>
      formatFeatures(answer.features, this.terminal, this.context.now(), "nothing can be picked now"),
    );
  }
}
