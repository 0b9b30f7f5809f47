import { FeatureStatus, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import {
  type GetProjectStatusResponse,
  type GetProjectStatusResponse_ActiveSession,
  GetProjectStatusResponseSchema,
} from "@nexus/gen/nexus/v1/project_service_pb";
import { Command } from "clipanion";
import { enumWord } from "../output/enum-words.ts";
import { formatFields } from "../output/fields.ts";
import { relativeTime } from "../output/relative-time.ts";
import { type Column, formatTable } from "../output/table.ts";
import { ProjectCommand } from "../project-command.ts";

/** Shows a project at a glance. */
export class StatusCommand extends ProjectCommand {
  static override paths = [["status"]];
  static override usage = Command.Usage({
    description: "show the project at a glance: features, sessions, who holds what",
    examples: [
      ["Show the linked project", "$0 status"],
      ["The number of ready features, for a script", "$0 status --json"],
    ],
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.projects.getProjectStatus({ projectId });
    this.print(GetProjectStatusResponseSchema, answer, () => this.#describe(answer));
  }

  #describe({ project, statuses, lanes, sessions, interrupted }: GetProjectStatusResponse): string {
    const now = this.context.now();
    const fields = formatFields(
      [
        ["project", project === undefined ? "" : `${project.name} (${project.slug})`],
        ["features", statuses.map(({ status, count }) => `${count} ${enumWord(FeatureStatus, status)}`).join(", ")],
        ["open", lanes.map(({ lane, count }) => `${count} ${enumWord(Lane, lane)}`).join(", ")],
        ["interrupted", interrupted.map(({ slug }) => slug).join("  ")],
      ],
      this.terminal,
    );
    const table = formatTable(sessionColumns(now), sessions, this.terminal);
    return `${fields}\n${table || "no session is at work\n"}`;
  }
}

function sessionColumns(now: Date): Column<GetProjectStatusResponse_ActiveSession>[] {
  return [
    { heading: "engineer", cell: ({ engineerName }) => engineerName },
    { heading: "agent", cell: ({ session }) => session?.agent ?? "" },
    { heading: "works on", cell: ({ session }) => session?.featureSlug ?? "" },
    { heading: "holds", cell: ({ claims }) => claims.flatMap(pathsOf).join(" "), flexible: true },
    { heading: "last sign", cell: ({ session }) => relativeTime(session?.lastHeartbeatTime, now) },
    { heading: "expires", cell: ({ session }) => relativeTime(session?.expireTime, now) },
  ];
}

function pathsOf({ touches }: { readonly touches: readonly { readonly path: string }[] }): string[] {
  return touches.map(({ path }) => path);
}
