import { FeatureStatus, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import {
  type GetProjectStatusResponse_BlockedFeature as BlockedFeature,
  type GetProjectStatusResponse,
  type GetProjectStatusResponse_ActiveSession,
  GetProjectStatusResponseSchema,
  GetProjectStatusResponse_StoreHealth_State as State,
  GetProjectStatusResponse_StoreHealth_Store as Store,
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

  #describe(status: GetProjectStatusResponse): string {
    const { project, statuses, lanes, sessions, interrupted, sessionsOmitted } = status;
    const now = this.context.now();
    const fields = formatFields(
      [
        ["project", project === undefined ? "" : `${project.name} (${project.slug})`],
        ["features", statuses.map(({ status, count }) => `${count} ${enumWord(FeatureStatus, status)}`).join(", ")],
        ["open", lanes.map(({ lane, count }) => `${count} ${enumWord(Lane, lane)}`).join(", ")],
        ["interrupted", interrupted.map(({ slug }) => slug).join("  ")],
        ["hot", status.hottestPaths.map(({ path, features }) => `${path} (${features})`).join("  ")],
        ["held longest", oldestClaim(status, now)],
        ["stores", storesIn(status)],
      ],
      this.terminal,
    );
    const table = formatTable(sessionColumns(now), sessions, this.terminal);
    const more = sessionsOmitted === 0 ? "" : `and ${sessionsOmitted} more\n`;
    const waiting = formatTable(BLOCKED_COLUMNS, status.blocked, this.terminal);
    const others = status.blockedCount - status.blocked.length;
    return [
      `${fields}\n${table || "no session is at work\n"}${more}`,
      waiting && `\n${waiting}${others > 0 ? `and ${others} more\n` : ""}`,
    ].join("");
  }
}

const BLOCKED_COLUMNS: Column<BlockedFeature>[] = [
  { heading: "waits", cell: ({ slug }) => slug },
  { heading: "lane", cell: ({ lane }) => enumWord(Lane, lane) },
  { heading: "held for", cell: ({ heldBy }) => [...new Set(heldBy.map((holder) => holder.featureSlug))].join(" ") },
  { heading: "depends on", cell: ({ unmet }) => unmet.join(" "), flexible: true },
  { heading: "passed over", cell: ({ passedOver }) => (passedOver === 0 ? "" : String(passedOver)) },
];

function oldestClaim({ oldestClaim, oldestClaimHolder }: GetProjectStatusResponse, now: Date): string {
  if (oldestClaim === undefined) return "";
  return `${oldestClaim.featureSlug} by ${oldestClaimHolder?.engineerName ?? "somebody"}, since ${relativeTime(oldestClaim.acquireTime, now)}`;
}

function storesIn({ stores }: GetProjectStatusResponse): string {
  return stores.map(({ store, state }) => `${enumWord(Store, store)} ${enumWord(State, state)}`).join(", ");
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
