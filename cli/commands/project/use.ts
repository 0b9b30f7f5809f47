import { GetProjectResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command, Option } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { writeLink } from "../../project/link-file.ts";

/** Writes the repository's link. */
export class ProjectUseCommand extends NexusCommand {
  static override paths = [["project", "use"]];
  static override usage = Command.Usage({
    description: "link this repository with a project",
    details:
      "Writes .nexus.json at the top of the working tree: the server's address and the project, no secrets. It may be committed, so that everybody's commands go to the same project.",
    examples: [["Link this repository", "$0 project use shop"]],
  });

  named = Option.String({ required: true, name: "project" });

  async run() {
    const { client, cwd, checkout, server } = this.workspace;
    const projectId = await this.workspace.resolveProject(this.named);
    const answer = await client.projects.getProject({ projectId });
    const { id: project = projectId, slug = "" } = answer.project ?? {};
    const path = writeLink(cwd, checkout, { server: server.url, project, slug });
    this.print(
      GetProjectResponseSchema,
      answer,
      () => `this repository belongs to ${cleanLine(slug)} now (${path})\n`,
      { names: [slug] },
    );
  }
}
