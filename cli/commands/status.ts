import type { Writable } from "node:stream";
import { watchEvents } from "@nexus/client";
import { FeatureStatus, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import {
  type GetProjectStatusResponse_BlockedFeature as BlockedFeature,
  type GetProjectStatusResponse,
  type GetProjectStatusResponse_ActiveSession,
  GetProjectStatusResponseSchema,
  GetProjectStatusResponse_StoreHealth_State as State,
  GetProjectStatusResponse_StoreHealth_Store as Store,
} from "@nexus/gen/nexus/v1/project_service_pb";
import { Command, Option } from "clipanion";
import { Interrupted } from "../interrupted.ts";
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
      ["Keep it in view in a second terminal", "$0 status --watch"],
      ["The number of ready features, for a script", "$0 status --json"],
    ],
  });

  watch = Option.Boolean("--watch", false, {
    description: "Go on until Ctrl-C, and show it anew with every change; with --json a line each time",
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const show = async () => {
      const answer = await this.workspace.client.projects.getProjectStatus({ projectId });
      const frame = (text: string) => (this.watch ? redrawn(text, this.context.stdout) : text);
      this.print(GetProjectStatusResponseSchema, answer, () => frame(this.#describe(answer)));
    };
    return this.watch ? this.#follow(projectId, show) : show();
  }

  /** Shows it once, and again after everything that happens; what happens while it is shown is shown together. */
  async #follow(projectId: string, show: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const forget = this.context.onInterrupt((signal) => stop.abort(new Interrupted(signal)));
    const { events, features } = this.workspace.client;
    try {
      const { eventCursor: after } = await features.listFeatures({ projectId, pageSize: 1 });
      await show();
      let stale = false;
      let showing: Promise<void> | undefined;
      const showAgain = async () => {
        while (stale) {
          stale = false;
          await show();
        }
        showing = undefined;
      };
      const options = { signal: stop.signal, timeoutMs: this.workspace.timeoutMs };
      // Bookmarks count as well: they come every 15 seconds, and the times that are shown have moved on.
      for await (const _ of watchEvents(events, { projectId, after }, options)) {
        stale = true;
        showing ??= showAgain().catch((error: unknown) => stop.abort(error));
      }
      await showing;
    } finally {
      forget();
    }
    stop.signal.throwIfAborted();
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

/** On a terminal the text in the place of what was there, cut to its height; elsewhere after an empty line. */
function redrawn(text: string, stdout: Writable & { readonly isTTY?: boolean; readonly rows?: number }): string {
  if (stdout.isTTY !== true) return `${text}\n`;
  const lines = text.trimEnd().split("\n");
  const room = Math.max(1, (stdout.rows ?? 24) - 1);
  const more = `and ${lines.length - room + 1} more lines`;
  const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), more];
  return `\u001b[H\u001b[2J${shown.join("\n")}\n`;
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
