import { GetProjectResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command, Option } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { formatProject } from "../../output/describe-project.ts";

/** Shows one project. */
export class ProjectShowCommand extends NexusCommand {
  static override paths = [["project", "show"]];
  static override usage = Command.Usage({
    description: "show a project and its settings",
    examples: [
      ["Show the linked project", "$0 project show"],
      ["Show another", "$0 project show shop"],
    ],
  });

  named = Option.String({ required: false, name: "project" });

  protected override projectOption(): string | undefined {
    return this.named;
  }

  async run() {
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.projects.getProject({ projectId });
    const view = { terminal: this.terminal, now: this.context.now() };
    this.print(GetProjectResponseSchema, answer, () => formatProject(answer.project, answer.role, view), {
      names: [answer.project?.slug ?? ""],
    });
  }
}
