import { create } from "@bufbuild/protobuf";
import type { Feature } from "@nexus/gen/nexus/v1/feature_pb";
import { ListFeaturesResponseSchema, MarkFeatureMergedResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { listAll } from "../../list-all.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { ProjectCommand } from "../../project-command.ts";
import { isAncestor, isCommit, mainBranch } from "../../repository/git.ts";

/** Notes that completed work is in the main branch, or finds out which is. */
export class FeatureMergedCommand extends ProjectCommand {
  static override paths = [["feature", "merged"]];
  static override usage = Command.Usage({
    description: "note that completed work is in the main branch",
    details:
      "Until then a pick of a feature that touches the same files warns of it. With --check git is asked for every completed feature whether the commit that it landed in is in the main branch; a squashed or rebased one is not found that way, and is named instead.",
    examples: [
      ["Note it of one feature", "$0 feature merged login"],
      ["Find out for all", "$0 feature merged --check"],
    ],
  });

  slug = Option.String({ required: false, name: "feature" });
  check = Option.Boolean("--check", false, { description: "Ask git which completed features are in the main branch" });
  branch = Option.String("--branch", { description: "The main branch; else the one that the remote calls so" });

  async run() {
    const { slug } = this;
    if (this.check === (slug !== undefined)) {
      throw new CliError("USAGE_INVALID", "either a feature or --check is needed", "nexus feature merged --check");
    }
    const projectId = await this.workspace.projectId();
    if (slug === undefined) return this.progress.during("asking git", this.#checkAll(projectId));
    const answer = await this.workspace.client.features.markFeatureMerged({ projectId, slug });
    this.print(MarkFeatureMergedResponseSchema, answer, () => `${cleanLine(slug)} is noted as merged\n`, {
      names: [slug],
    });
  }

  async #checkAll(projectId: string) {
    const { features } = this.workspace.client;
    const folder = this.workspace.checkout?.root ?? this.workspace.cwd;
    const main = this.branch ?? (await mainBranch(folder));
    if (!(await isCommit(folder, main))) {
      throw new CliError("USAGE_INVALID", `there is no branch ${JSON.stringify(main)} here`);
    }
    const list = await listAll("features", (page) => features.listFeatures({ projectId, unmerged: true, ...page }));
    const merged: Feature[] = [];
    const unmerged: string[] = [];
    const unknown: string[] = [];
    for (const { slug, landing } of list.features) {
      const commit = landing?.commit ?? "";
      if (!/^[0-9a-f]{4,64}$/i.test(commit) || !(await isCommit(folder, commit))) unknown.push(slug);
      else if (!(await isAncestor(folder, commit, main))) unmerged.push(slug);
      else {
        const answer = await features.markFeatureMerged({ projectId, slug });
        if (answer.feature !== undefined) merged.push(answer.feature);
      }
    }
    this.print(
      ListFeaturesResponseSchema,
      create(ListFeaturesResponseSchema, { features: merged }),
      () =>
        [
          ...told(
            `in ${cleanLine(main)} now`,
            merged.map(({ slug }) => slug),
          ),
          ...told("not yet", unmerged),
          ...told("their commit is not known here; fetch, or name them", unknown),
        ].join("") || "everything that is done is merged\n",
      { more: { unmerged, unknown }, names: merged.map(({ slug }) => slug) },
    );
  }
}

function told(what: string, slugs: readonly string[]): string[] {
  return slugs.length === 0 ? [] : [`${what}: ${slugs.map(cleanLine).join(", ")}\n`];
}
