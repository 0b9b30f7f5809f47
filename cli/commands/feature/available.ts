import {
  type ListAvailableFeaturesResponse_BlockedFeature as BlockedFeature,
  ListAvailableFeaturesResponseSchema,
} from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { listAll } from "../../list-all.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { formatFeatures } from "../../output/describe-feature.ts";
import { formatBlocked } from "../../output/refusal.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists what could be picked now. */
export class FeatureAvailableCommand extends ProjectCommand {
  static override paths = [["feature", "available"]];
  static override usage = Command.Usage({
    description: "list the features that could be picked now",
    details: "Ready, with everything that they depend on done, and with all their files free. The most wanted first.",
    examples: [
      ["What could I work on?", "$0 feature available"],
      ["And what do the others wait for?", "$0 feature available --blocked"],
    ],
  });

  blocked = Option.Boolean("--blocked", false, { description: "The other ready features too, with who holds what" });

  async run() {
    const projectId = await this.workspace.projectId();
    const { features } = this.workspace.client;
    const includeBlocked = this.blocked;
    const blocked: BlockedFeature[] = [];
    const answer = await listAll("features", async (page) => {
      const one = await features.listAvailableFeatures({ projectId, includeBlocked, ...page });
      blocked.push(...one.blocked);
      return one;
    });
    this.print(
      ListAvailableFeaturesResponseSchema,
      { ...answer, blocked },
      () => {
        const free = formatFeatures(answer.features, this.terminal, this.context.now(), "nothing can be picked now");
        return [free, ...blocked.map((one) => this.#describe(one))].join("\n");
      },
      { names: answer.features.map(({ slug }) => slug) },
    );
  }

  #describe({ feature, blocked, unmet, omitted }: BlockedFeature): string {
    const view = { terminal: this.terminal, now: this.context.now() };
    const depends = unmet.length === 0 ? [] : [`depends on ${unmet.map(cleanLine).join(", ")}`];
    const lines = [...depends, ...formatBlocked(blocked, view), ...(omitted === 0 ? [] : [`and ${omitted} more`])];
    const told = lines.length === 0 ? ["somebody is just picking it, or its last claim drains"] : lines;
    return `${this.style.bold(cleanLine(feature?.slug ?? ""))} waits\n${told.map((line) => `  ${line}\n`).join("")}`;
  }
}
