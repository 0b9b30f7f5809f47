import { Role } from "@nexus/gen/nexus/v1/project_pb";
import { ListMembersResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command } from "clipanion";
import { listAll } from "../../list-all.ts";
import { enumWord } from "../../output/enum-words.ts";
import { relativeTime } from "../../output/relative-time.ts";
import { formatTable } from "../../output/table.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists a project's members. */
export class ProjectMembersCommand extends ProjectCommand {
  static override paths = [["project", "members"]];
  static override usage = Command.Usage({
    description: "list a project's members",
    examples: [["List the members", "$0 project members"]],
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const { projects } = this.workspace.client;
    const answer = await listAll("members", (page) => projects.listMembers({ projectId, ...page }));
    const now = this.context.now();
    this.print(
      ListMembersResponseSchema,
      answer,
      () =>
        formatTable(
          [
            { heading: "name", cell: ({ engineer }) => engineer?.name ?? "", flexible: true },
            { heading: "email", cell: ({ engineer }) => engineer?.email ?? "" },
            { heading: "role", cell: ({ role }) => enumWord(Role, role) },
            { heading: "since", cell: ({ createTime }) => relativeTime(createTime, now) },
          ],
          answer.members,
          this.terminal,
        ),
      { names: answer.members.map(({ engineer }) => engineer?.email ?? "") },
    );
  }
}
