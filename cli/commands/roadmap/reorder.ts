import { Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { ReorderRoadmapResponseSchema } from "@nexus/gen/nexus/v1/roadmap_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { enumWord, parseEnumWord } from "../../output/enum-words.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Moves a feature within its lane or to another one. */
export class RoadmapReorderCommand extends ProjectCommand {
  static override paths = [["roadmap", "reorder"]];
  static override usage = Command.Usage({
    description: "move a feature within its lane or to another one",
    details: "Right before another feature, or to the end of a lane.",
    examples: [
      ["Do it before something else", "$0 roadmap reorder login --before search"],
      ["Do it now, after what is there", "$0 roadmap reorder login --lane now"],
    ],
  });

  slug = Option.String({ required: true, name: "feature" });
  before = Option.String("--before", "", { description: "The feature that it shall come right before" });
  lane = Option.String("--lane", { description: "The lane: now, next, later or icebox; else that of --before" });
  etag = Option.String("--etag", "", { description: "Move it only if the roadmap still has this etag" });

  async run() {
    const { slug, before: beforeSlug, etag } = this;
    if (beforeSlug === "" && this.lane === undefined) {
      throw new CliError(
        "USAGE_INVALID",
        "where to: --before or --lane is needed",
        `nexus roadmap reorder ${cleanLine(slug)} --lane now`,
      );
    }
    const lane = this.lane === undefined ? Lane.UNSPECIFIED : parseEnumWord<Lane>(Lane, this.lane, "--lane");
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.roadmap.reorderRoadmap({ projectId, slug, beforeSlug, lane, etag });
    const where = beforeSlug === "" ? "at its end" : `right before ${cleanLine(beforeSlug)}`;
    this.print(
      ReorderRoadmapResponseSchema,
      answer,
      () => `${cleanLine(slug)} is in ${enumWord(Lane, answer.feature?.lane ?? 0)}, ${where}\n`,
      { names: [slug] },
    );
  }
}
