import { ListActiveSessionsResponseSchema } from "@nexus/gen/nexus/v1/session_service_pb";
import { Command } from "clipanion";
import { type KeptBy, keeperStatuses, keptBy, keptByJson } from "../../keeper/keeper-status.ts";
import { listAll } from "../../list-all.ts";
import { relativeTime } from "../../output/relative-time.ts";
import { formatTable } from "../../output/table.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists the open sessions. */
export class SessionListCommand extends ProjectCommand {
  static override paths = [["session", "list"]];
  static override usage = Command.Usage({
    description: "list the open sessions of the project",
    details: "Of those of this machine it says which process renews them between commands.",
    examples: [["Who is at work?", "$0 session list"]],
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const { sessions } = this.workspace.client;
    const answer = await listAll("sessions", (page) => sessions.listActiveSessions({ projectId, ...page }));
    const now = this.context.now();
    const keepers = keeperStatuses(this.context.env, this.context.platform);
    const kept = new Map(answer.sessions.map(({ id }) => [id, keptBy(id, keepers)]));
    const human = () => {
      const table = formatTable(
        [
          { heading: "session", cell: ({ id }) => id },
          { heading: "agent", cell: ({ agent }) => agent },
          { heading: "works on", cell: ({ featureSlug }) => featureSlug },
          { heading: "host", cell: ({ host }) => host, flexible: true },
          { heading: "branch", cell: ({ branch }) => branch, flexible: true },
          { heading: "expires", cell: ({ expireTime }) => relativeTime(expireTime, now) },
          { heading: "kept here", cell: ({ id }) => keptCell(kept.get(id)) },
        ],
        answer.sessions,
        this.terminal,
      );
      return table || "no session is at work\n";
    };
    const ofHere = [...kept].flatMap(([id, by]) => (by === undefined ? [] : [[id, keptByJson(by)]]));
    this.print(ListActiveSessionsResponseSchema, answer, human, {
      more: { keepers: Object.fromEntries(ofHere) },
      names: answer.sessions.map(({ id }) => id),
    });
  }
}

/** Which process renews the session; of other machines' sessions nothing is known here. */
function keptCell(kept: KeptBy | undefined): string {
  if (kept === undefined) return "";
  return kept.running ? `by process ${kept.pid}` : "by nobody";
}
