import { DeleteProjectResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { NexusCommand } from "../../command.ts";
import { cleanLine } from "../../output/clean-text.ts";

/** Deletes a project; its slug has to be written twice. */
export class ProjectDeleteCommand extends NexusCommand {
  static override paths = [["project", "delete"]];
  static override usage = Command.Usage({
    description: "delete a project with everything in it",
    details: "For good: features, sessions, claims and events go with it. Only owners may.",
    examples: [["Delete a project", "$0 project delete shop --confirm shop"]],
  });

  named = Option.String({ required: true, name: "project" });
  confirm = Option.String("--confirm", { description: "The project's slug, once more" });

  async run() {
    if (this.confirm === undefined) {
      const why = "this deletes the project with everything in it, for good; repeat its slug to confirm";
      throw new CliError("USAGE_INVALID", why, `nexus project delete ${cleanLine(this.named)} --confirm <slug>`);
    }
    const projectId = await this.workspace.resolveProject(this.named);
    const confirmSlug = this.confirm;
    const answer = await this.workspace.client.projects.deleteProject({ projectId, confirmSlug });
    this.print(DeleteProjectResponseSchema, answer, () => `deleted ${cleanLine(confirmSlug)}\n`, {
      names: [confirmSlug],
    });
  }
}
