import { ListProjectsResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { listAll } from "../../list-all.ts";
import { relativeTime } from "../../output/relative-time.ts";
import { formatTable } from "../../output/table.ts";

/** Lists the projects that the caller is a member of. */
export class ProjectListCommand extends NexusCommand {
  static override paths = [["project", "list"]];
  static override usage = Command.Usage({
    description: "list your projects",
    examples: [["List your projects", "$0 project list"]],
  });

  async run() {
    const { client, link } = this.workspace;
    const answer = await listAll("projects", (page) => client.projects.listProjects(page));
    const now = this.context.now();
    this.print(
      ListProjectsResponseSchema,
      answer,
      () => {
        const table = formatTable(
          [
            { heading: "", cell: ({ id }) => (id === link?.link.project ? "*" : "") },
            { heading: "project", cell: ({ slug }) => slug },
            { heading: "name", cell: ({ name }) => name, flexible: true },
            { heading: "created", cell: ({ createTime }) => relativeTime(createTime, now) },
            { heading: "id", cell: ({ id }) => id },
          ],
          answer.projects,
          this.terminal,
        );
        return table || "you are in no project yet\nnext: nexus project create <slug>\n";
      },
      { names: answer.projects.map(({ slug }) => slug) },
    );
  }
}
