import { PickNextFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { formatFeatures } from "../../output/describe-feature.ts";
import { formatPick } from "../../output/describe-pick.ts";
import { PickCommand } from "../../pick-command.ts";

/** Takes the next feature for the session, and keeps its fencing token; or lists a batch for several agents. */
export class FeatureNextCommand extends PickCommand {
  static override paths = [["feature", "next"], ["next"]];
  static override usage = Command.Usage({
    description: "take the next feature that is free, and claim every file it touches",
    details:
      "The first ready feature by lane and position whose files are free. A session that holds a feature gets that one again. When nothing is free (exit code 3) the answer says what is waited for. With --count nothing is picked: it lists so many features that can be worked on at the same time.",
    examples: [
      ["Pick the next feature", "$0 next"],
      ["Or the first that becomes free within an hour", "$0 next --wait=1h"],
      ["What could four agents do at once?", "$0 feature next --count 4"],
    ],
  });

  count = Option.String("--count", {
    description: "Pick nothing; list so many features that overlap none of each other",
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const { features } = this.workspace.client;
    if (this.count !== undefined) {
      const count = parseCount(this.count);
      const answer = await features.pickNextFeature({ projectId, count });
      this.print(
        PickNextFeatureResponseSchema,
        answer,
        () => formatFeatures(answer.batch, this.terminal, this.context.now(), "nothing can be picked now"),
        { names: answer.batch.map(({ slug }) => slug) },
      );
      return;
    }
    const answer = await this.take((sessionId) => features.pickNextFeature({ projectId, sessionId }));
    this.print(PickNextFeatureResponseSchema, answer, () => formatPick(answer, this.terminal, this.context.now()), {
      names: [answer.feature?.slug ?? ""],
    });
  }
}

function parseCount(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 2 || Number(text) > 100) {
    throw new CliError("USAGE_INVALID", `--count is a number from 2 to 100, not ${JSON.stringify(text)}`);
  }
  return Number(text);
}
