import { Lane } from "@nexus/gen/nexus/v1/feature_pb";
import {
  GetRoadmapResponseSchema,
  type GetRoadmapResponse_RoadmapEntry as RoadmapEntry,
} from "@nexus/gen/nexus/v1/roadmap_service_pb";
import { Command, Option } from "clipanion";
import { featureColumns } from "../../output/describe-feature.ts";
import { enumWord } from "../../output/enum-words.ts";
import { type Column, formatTable } from "../../output/table.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Shows what comes next, lane by lane. */
export class RoadmapShowCommand extends ProjectCommand {
  static override paths = [["roadmap", "show"]];
  static override usage = Command.Usage({
    description: "show what comes next, lane by lane",
    examples: [["Show the roadmap", "$0 roadmap show"]],
  });

  all = Option.Boolean("--all", false, { description: "Done and cancelled features as well" });

  async run() {
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.roadmap.getRoadmap({ projectId, includeClosed: this.all });
    this.print(
      GetRoadmapResponseSchema,
      answer,
      () => {
        const columns = entryColumns(this.context.now());
        const lanes = answer.lanes.map(({ lane, entries, omitted }) => {
          const table = formatTable(columns, entries, this.terminal) || "nothing\n";
          const more = omitted === 0 ? "" : `and ${omitted} more\n`;
          return `${this.style.bold(enumWord(Lane, lane))}\n${table}${more}`;
        });
        return lanes.join("\n");
      },
      { names: answer.lanes.flatMap(({ entries }) => entries.map(({ feature }) => feature?.slug ?? "")) },
    );
  }
}

function entryColumns(now: Date): Column<RoadmapEntry>[] {
  const ofFeature = featureColumns(now)
    .filter(({ heading }) => heading !== "lane" && heading !== "changed")
    .map((column) => ({
      ...column,
      cell: ({ feature }: RoadmapEntry) => (feature === undefined ? "" : column.cell(feature)),
    }));
  return [...ofFeature, { heading: "blocked by", cell: ({ blockedBy }) => blockedBy.join(" "), flexible: true }];
}
