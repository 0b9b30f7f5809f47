import { Role } from "@nexus/gen/nexus/v1/project_pb";
import { AddMemberResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command, Option } from "clipanion";
import { cleanLine } from "../../output/clean-text.ts";
import { parseEnumWord } from "../../output/enum-words.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Makes a registered engineer a member. */
export class ProjectAddMemberCommand extends ProjectCommand {
  static override paths = [["project", "add-member"]];
  static override usage = Command.Usage({
    description: "make a registered engineer a member",
    details: "Only owners may. Adding a member again changes nothing.",
    examples: [["Add a colleague", "$0 project add-member ben@example.com"]],
  });

  email = Option.String({ required: true, name: "email" });
  role = Option.String("--role", "member", { description: "member or owner" });

  async run() {
    const role = parseEnumWord<Role>(Role, this.role, "--role");
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.projects.addMember({ projectId, email: this.email, role });
    const { member } = answer;
    const name = cleanLine(member?.engineer?.name ?? this.email);
    this.print(
      AddMemberResponseSchema,
      answer,
      () => `${name} is ${(member?.role ?? role) === Role.OWNER ? "an owner" : "a member"} now\n`,
      {
        names: [this.email],
      },
    );
  }
}
