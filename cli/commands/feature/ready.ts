import { MarkFeatureReadyResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { cleanLine } from "../../output/clean-text.ts";
import { formatWarnings } from "../../output/describe-feature.ts";
import { ProjectCommand } from "../../project-command.ts";
import { filesForPatterns, isPattern } from "../../repository/lint-touches.ts";
import { repositoryFiles } from "../../repository/repository-files.ts";

/** Makes a draft ready. */
export class FeatureReadyCommand extends ProjectCommand {
  static override paths = [["feature", "ready"]];
  static override usage = Command.Usage({
    description: "make a draft ready to be picked",
    examples: [["Make it ready", "$0 feature ready login"]],
  });

  slug = Option.String({ required: true, name: "feature" });

  async run() {
    const projectId = await this.workspace.projectId();
    const { features } = this.workspace.client;
    const repositoryPaths = await this.#filesToLookAt(projectId);
    const answer = await features.markFeatureReady({ projectId, slug: this.slug, repositoryPaths });
    const warnings = formatWarnings(answer.warnings);
    if (warnings !== "") this.note(warnings);
    const slug = cleanLine(answer.feature?.slug ?? this.slug);
    this.print(MarkFeatureReadyResponseSchema, answer, () => `${slug} is ready\nnext: nexus pick ${slug}\n`, {
      names: [slug],
    });
  }

  /** The repository's files, where the feature has patterns that may match none of them. */
  async #filesToLookAt(projectId: string): Promise<string[]> {
    const root = this.workspace.checkout?.root;
    if (root === undefined) return [];
    const { feature } = await this.workspace.client.features.getFeature({ projectId, slug: this.slug });
    const touches = (feature?.touches ?? []).map(({ path }) => path);
    if (!touches.some(isPattern)) return [];
    return filesForPatterns(touches, await this.progress.during("asking git", repositoryFiles(root)));
  }
}
