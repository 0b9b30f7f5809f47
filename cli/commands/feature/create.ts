import { Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { type CreateFeatureResponse, CreateFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { mapFileTouches, mapTouches, readSpec } from "../../feature-fields.ts";
import { readInput } from "../../files/read-input.ts";
import { cleanLine } from "../../output/clean-text.ts";
import type { FailureContext } from "../../output/describe-error.ts";
import { formatWarnings } from "../../output/describe-feature.ts";
import { parseEnumWord } from "../../output/enum-words.ts";
import { ProjectCommand } from "../../project-command.ts";
import { filesForPatterns, lintTouches } from "../../repository/lint-touches.ts";
import { repositoryFiles } from "../../repository/repository-files.ts";
import { canEdit, editDraft, keepDraft, removeDraft } from "../../spec/edit-draft.ts";
import { formatSpecFile, parseSpecFile, SPEC_TEMPLATE, type SpecFile } from "../../spec/spec-file.ts";

/** What was written somewhere else than on the command line, and is lost if nobody keeps it. */
interface Typed {
  readonly text: string;
  /** Where it is kept already. */
  readonly path?: string;
}

/** Creates a draft. */
export class FeatureCreateCommand extends ProjectCommand {
  static override paths = [["feature", "create"]];
  static override usage = Command.Usage({
    description: "create a feature as a draft",
    details:
      "Touches are the files that the work will change: paths or patterns, relative to the current folder. A pick claims all of them, or is refused. Without options, on a terminal, your editor opens on a file with front matter (title, lane, touches from the top of the repository, depends-on) and the spec in Markdown; --from takes such a file. When it is refused, what you wrote is kept, and the answer says where.",
    examples: [
      ["Create a feature", "$0 feature create --title 'Log in' --touch src/auth.ts --touch 'src/ui/**'"],
      ["Write it in your editor", "$0 feature create"],
      ["From a file", "$0 feature create --from login.md"],
      [
        "With everything said",
        "$0 feature create --slug login --title 'Log in' --lane now --touch src/auth.ts --depends-on base --spec-file login.md",
      ],
    ],
  });

  slug = Option.String("--slug", { description: "Its name in commands; else derived from the title" });
  featureTitle = Option.String("--title", { description: "One line for people" });
  lane = Option.String("--lane", { description: "How soon it is wanted: now, next, later, icebox; else next" });
  touches = Option.Array("--touch", { description: "A path or pattern that the work changes; repeat it" });
  dependsOn = Option.Array("--depends-on", { description: "A feature that has to be done before; repeat it" });
  spec = Option.String("--spec", { description: "What is to be done, in Markdown" });
  specFile = Option.String("--spec-file", { description: "The same from a file, or - for stdin" });

  from = Option.String("--from", {
    description: "A file with front matter and spec, or - for stdin; options go before",
  });

  #kept: string | undefined;

  override failureContext(): FailureContext {
    const kept = this.#kept === undefined ? {} : { kept: { path: this.#kept, command: "nexus feature create --from" } };
    return { ...super.failureContext(), ...kept };
  }

  async run() {
    const { file, typed } = await this.#read();
    try {
      const answer = await this.#create(file === undefined ? parseSpecFile(typed?.text ?? "") : file);
      if (typed?.path !== undefined) removeDraft(typed.path);
      this.#tell(answer);
    } catch (error) {
      if (typed !== undefined) this.#kept = typed.path ?? keepDraft(typed.text, this.context);
      throw error;
    }
  }

  /** What the options, a file, or the editor say; a file that is not undefined was read already. */
  async #read(): Promise<{ readonly file?: SpecFile; readonly typed?: Typed }> {
    const { from, slug, featureTitle, lane, touches, dependsOn, spec, specFile } = this;
    if (from !== undefined) {
      if (spec !== undefined || specFile !== undefined) {
        throw new CliError("USAGE_INVALID", "--from has the spec in it; --spec and --spec-file can't be given as well");
      }
      const text = await readInput(from, this.context);
      return from === "-" ? { typed: { text } } : { file: parseSpecFile(text) };
    }
    const options = [slug, featureTitle, lane, touches, dependsOn, spec, specFile];
    if (options.every((option) => option === undefined)) return { typed: await this.#write() };
    const file = { slug, title: featureTitle, lane, touches, dependsOn, spec: "" };
    const text = (await readSpec(spec, specFile, this.context)) ?? "";
    const written = { ...file, spec: text };
    return specFile === "-" ? { file: written, typed: { text: formatSpecFile(written) } } : { file: written };
  }

  /** Has it written in the editor, in a file that outlives whatever fails. */
  async #write(): Promise<Typed> {
    if (!canEdit(this.context) || this.json) {
      const why = "nothing is said of the feature, and there is no terminal to open an editor on";
      throw new CliError("USAGE_INVALID", why, "nexus feature create --title <title> --touch <path>");
    }
    // Who is not logged in, or in no project, hears it before the writing.
    await this.workspace.projectId();
    const path = keepDraft(SPEC_TEMPLATE, this.context);
    this.#kept = path;
    const text = await editDraft(path, this.context);
    this.#kept = undefined;
    if (text.trim() !== SPEC_TEMPLATE.trim()) return { text, path };
    removeDraft(path);
    throw new CliError("USAGE_INVALID", "nothing was written, so no feature is created");
  }

  async #create(file: SpecFile): Promise<CreateFeatureResponse> {
    const slug = this.slug ?? file.slug ?? "";
    const title = this.featureTitle ?? file.title ?? "";
    const word = this.lane ?? file.lane;
    const lane = word === undefined ? Lane.UNSPECIFIED : parseEnumWord<Lane>(Lane, word, "lane");
    if (slug === "" && title === "") throw new CliError("USAGE_INVALID", "a feature needs a title");
    const touches =
      this.touches === undefined
        ? mapFileTouches(file.touches ?? [], this.workspace, this.context)
        : mapTouches(this.touches, this.workspace, this.context);
    const projectId = await this.workspace.projectId();
    const root = this.workspace.checkout?.root;
    const files =
      root === undefined || touches.length === 0 ? [] : await this.progress.during("asking git", repositoryFiles(root));
    const paths = touches.map(({ path }) => path);
    for (const warning of lintTouches(paths, files)) this.note(warning);
    return this.workspace.client.features.createFeature({
      projectId,
      slug,
      title,
      spec: file.spec,
      lane,
      touches,
      dependsOn: [...(this.dependsOn ?? file.dependsOn ?? [])],
      repositoryPaths: filesForPatterns(paths, files),
    });
  }

  #tell(answer: CreateFeatureResponse): void {
    const warnings = formatWarnings(answer.warnings);
    if (warnings !== "") this.note(warnings);
    const slug = cleanLine(answer.feature?.slug ?? "");
    const touched = (answer.feature?.touches ?? []).map(({ path }) => cleanLine(path)).join("  ");
    this.print(
      CreateFeatureResponseSchema,
      answer,
      () => `created ${slug} as a draft${touched && `; it touches ${touched}`}\nnext: nexus feature ready ${slug}\n`,
      { names: [slug] },
    );
  }
}
