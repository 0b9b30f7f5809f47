import { ListActiveSessionsResponseSchema } from "@nexus/gen/nexus/v1/session_service_pb";
import { Command } from "clipanion";
import { listAll } from "../../list-all.ts";
import { relativeTime } from "../../output/relative-time.ts";
import { formatTable } from "../../output/table.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists the open sessions. */
export class SessionListCommand extends ProjectCommand {
  static override paths = [["session", "list"]];
  static override usage = Command.Usage({
    description: "list the open sessions of the project",
    examples: [["Who is at work?", "$0 session list"]],
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const { sessions } = this.workspace.client;
    const answer = await listAll("sessions", (page) => sessions.listActiveSessions({ projectId, ...page }));
    const now = this.context.now();
    this.print(ListActiveSessionsResponseSchema, answer, () => {
      const table = formatTable(
        [
          { heading: "session", cell: ({ id }) => id },
          { heading: "agent", cell: ({ agent }) => agent },
          { heading: "works on", cell: ({ featureSlug }) => featureSlug },
          { heading: "host", cell: ({ host }) => host, flexible: true },
          { heading: "branch", cell: ({ branch }) => branch, flexible: true },
          { heading: "expires", cell: ({ expireTime }) => relativeTime(expireTime, now) },
        ],
        answer.sessions,
        this.terminal,
      );
      return table || "no session is at work\n";
    });
  }
}
