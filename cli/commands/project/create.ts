import { CreateProjectResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command, Option } from "clipanion";
import { NexusCommand } from "../../command.ts";
import { cleanLine } from "../../output/clean-text.ts";

/** Creates a project that the caller owns. */
export class ProjectCreateCommand extends NexusCommand {
  static override paths = [["project", "create"]];
  static override usage = Command.Usage({
    description: "create a project",
    details:
      "The usual lockfiles and changelogs are shared unless --shared-path or --case-sensitive is given: then only what --shared-path names. How long sessions live is changed with 'nexus project settings'.",
    examples: [["Create a project", "$0 project create shop --name Shop"]],
  });

  slug = Option.String({ required: true, name: "slug" });
  projectName = Option.String("--name", { description: "Its name for people; else the slug" });
  sharedPaths = Option.Array("--shared-path", { description: "A file that is always claimed shared; repeat it" });
  caseSensitive = Option.Boolean("--case-sensitive", false, {
    description: "Paths that differ only in case are different files; can't be changed later",
  });

  async run() {
    const settings = { sharedPaths: this.sharedPaths ?? [], caseSensitive: this.caseSensitive };
    const answer = await this.workspace.client.projects.createProject({
      slug: this.slug,
      name: this.projectName ?? "",
      // Settings that are there replace the server's defaults, also where they say nothing.
      ...(this.sharedPaths !== undefined || this.caseSensitive ? { settings } : {}),
    });
    const slug = cleanLine(answer.project?.slug ?? this.slug);
    this.print(
      CreateProjectResponseSchema,
      answer,
      () => `created ${slug}, id ${answer.project?.id}\nnext: nexus project use ${slug}   (in the repository)\n`,
      { names: [answer.project?.slug ?? this.slug] },
    );
  }
}
