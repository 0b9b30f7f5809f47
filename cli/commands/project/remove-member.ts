import { RemoveMemberResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command, Option } from "clipanion";
import { cleanLine } from "../../output/clean-text.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Takes a member out of a project. */
export class ProjectRemoveMemberCommand extends ProjectCommand {
  static override paths = [["project", "remove-member"]];
  static override usage = Command.Usage({
    description: "take a member out of a project",
    details: "Their sessions in the project end at once. Owners may, and everybody for themselves.",
    examples: [["Remove a colleague", "$0 project remove-member ben@example.com"]],
  });

  email = Option.String({ required: true, name: "email" });

  async run() {
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.projects.removeMember({ projectId, email: this.email });
    this.print(RemoveMemberResponseSchema, answer, () => `${cleanLine(this.email)} is no member any more\n`, {
      names: [this.email],
    });
  }
}
