import { FeatureStatus, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { ListFeaturesResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { listAll } from "../../list-all.ts";
import { formatFeatures } from "../../output/describe-feature.ts";
import { parseEnumWord } from "../../output/enum-words.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists features by lane and position. */
export class FeatureListCommand extends ProjectCommand {
  static override paths = [["feature", "list"]];
  static override usage = Command.Usage({
    description: "list features",
    details: "By lane, then in the order in which they are to be worked on.",
    examples: [
      ["List everything", "$0 feature list"],
      ["What is ready and wanted now", "$0 feature list --status ready --lane now"],
      ["What do my agents work on?", "$0 feature list --mine"],
    ],
  });

  status = Option.Array("--status", {
    description: "Only these: draft, ready, active, done, cancelled; repeat it, or separate them by commas",
  });
  lane = Option.Array("--lane", { description: "Only these lanes: now, next, later, icebox; the same way" });

  mine = Option.Boolean("--mine", false, { description: "Only what you hold, in whatever session" });

  async run() {
    const statuses = words(this.status).map((word) => parseEnumWord<FeatureStatus>(FeatureStatus, word, "--status"));
    const lanes = words(this.lane).map((word) => parseEnumWord<Lane>(Lane, word, "--lane"));
    const projectId = await this.workspace.projectId();
    const { features } = this.workspace.client;
    const [answer, me] = await Promise.all([
      listAll("features", (page) => features.listFeatures({ projectId, statuses, lanes, ...page })),
      this.mine ? this.workspace.client.auth.getCurrentEngineer({}) : undefined,
    ]);
    if (me !== undefined) {
      answer.features = answer.features.filter(({ holder }) => holder?.engineerId === me.engineer?.id);
    }
    const isAll = statuses.length + lanes.length === 0 && !this.mine;
    const none = isAll ? "there are no features yet" : "no feature is like that";
    this.print(
      ListFeaturesResponseSchema,
      answer,
      () => formatFeatures(answer.features, this.terminal, this.context.now(), none),
      { names: answer.features.map(({ slug }) => slug) },
    );
  }
}

function words(given: readonly string[] | undefined): string[] {
  return (given ?? []).flatMap((word) => word.split(",")).map((word) => word.trim());
}
