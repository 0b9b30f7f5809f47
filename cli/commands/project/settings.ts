import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ProjectSchema } from "@nexus/gen/nexus/v1/project_pb";
import { GetProjectResponseSchema, UpdateProjectResponseSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { Command, Option } from "clipanion";
import { formatProject } from "../../output/describe-project.ts";
import { parseSpan } from "../../output/spans.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Shows a project's settings, or changes those that are named. */
export class ProjectSettingsCommand extends ProjectCommand {
  static override paths = [["project", "settings"]];
  static override usage = Command.Usage({
    description: "show or change how sessions and claims behave in a project",
    details: "What is changed holds for later leases and claims. Only owners may change anything.",
    examples: [
      ["Show the settings", "$0 project settings"],
      ["Let silent sessions live longer", "$0 project settings --session-ttl 30m"],
    ],
  });

  sessionTtl = Option.String("--session-ttl", { description: "How long a silent session lives: 30s to 24h" });
  lockDelay = Option.String("--lock-delay", { description: "How long lost files stay blocked: 0s to 10m" });
  sharedPaths = Option.Array("--shared-path", {
    description: "A file that is always claimed shared; repeat it. Replaces the whole list",
  });
  noSharedPaths = Option.Boolean("--no-shared-paths", false, { description: "No file is claimed shared any more" });
  projectName = Option.String("--name", { description: "Its name for people" });
  slug = Option.String("--slug", { description: "Its slug" });
  etag = Option.String("--etag", { description: "Change only if the project still has this etag" });

  async run() {
    const projectId = await this.workspace.projectId();
    const { projects } = this.workspace.client;
    const view = { terminal: this.terminal, now: this.context.now() };
    const { project, mask } = this.#changes();
    if (mask.length === 0) {
      const answer = await projects.getProject({ projectId });
      this.print(GetProjectResponseSchema, answer, () => formatProject(answer.project, answer.role, view), {
        names: [answer.project?.slug ?? ""],
      });
      return;
    }
    const etag = this.etag ?? "";
    const answer = await projects.updateProject({ projectId, project, updateMask: { paths: mask }, etag });
    this.print(UpdateProjectResponseSchema, answer, () => formatProject(answer.project, undefined, view), {
      names: [answer.project?.slug ?? ""],
    });
  }

  #changes(): { readonly project: MessageInitShape<typeof ProjectSchema>; readonly mask: string[] } {
    const shared = this.noSharedPaths ? [] : this.sharedPaths;
    const given = [
      [this.projectName, "name"],
      [this.slug, "slug"],
      [this.sessionTtl, "settings.session_ttl"],
      [this.lockDelay, "settings.lock_delay"],
      [shared, "settings.shared_paths"],
    ] as const;
    const settings = {
      sessionTtl: this.sessionTtl === undefined ? undefined : parseSpan(this.sessionTtl, "--session-ttl"),
      lockDelay: this.lockDelay === undefined ? undefined : parseSpan(this.lockDelay, "--lock-delay"),
      sharedPaths: shared ?? [],
    };
    return {
      project: { name: this.projectName ?? "", slug: this.slug ?? "", settings },
      mask: given.filter(([value]) => value !== undefined).map(([, field]) => field),
    };
  }
}
