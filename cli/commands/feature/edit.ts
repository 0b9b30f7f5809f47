import { ClaimMode } from "@nexus/gen/nexus/v1/claim_pb";
import { FeatureStatus, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { UpdateFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { mapFileTouches, mapTouches, readSpec } from "../../feature-fields.ts";
import { readInput } from "../../files/read-input.ts";
import { cleanLine } from "../../output/clean-text.ts";
import type { FailureContext } from "../../output/describe-error.ts";
import { formatFeature, formatWarnings } from "../../output/describe-feature.ts";
import { enumWord, parseEnumWord } from "../../output/enum-words.ts";
import { ProjectCommand } from "../../project-command.ts";
import { lintTouches } from "../../repository/lint-touches.ts";
import { repositoryFiles } from "../../repository/repository-files.ts";
import { canEdit, editDraft, keepDraft, removeDraft } from "../../spec/edit-draft.ts";
import { formatSpecFile, parseSpecFile, type SpecFile } from "../../spec/spec-file.ts";

/** Changes what the flags name. */
export class FeatureEditCommand extends ProjectCommand {
  static override paths = [["feature", "edit"]];
  static override usage = Command.Usage({
    description: "change a feature",
    details:
      "Changes what the options name and nothing else; without any, on a terminal, your editor opens on all of it. A ready feature whose spec or touches change becomes a draft again; of an active one only title and lane can change.",
    examples: [
      ["In your editor", "$0 feature edit login"],
      ["Want it sooner", "$0 feature edit login --lane now"],
      ["Replace its touches", "$0 feature edit login --touch src/auth.ts --touch 'src/login/**'"],
    ],
  });

  slug = Option.String({ required: true, name: "feature" });
  featureTitle = Option.String("--title", { description: "One line for people" });
  lane = Option.String("--lane", { description: "now, next, later, icebox" });
  touches = Option.Array("--touch", { description: "A path or pattern; repeat it. Replaces the whole list" });
  noTouches = Option.Boolean("--no-touches", false, { description: "It touches nothing any more" });
  dependsOn = Option.Array("--depends-on", { description: "A feature; repeat it. Replaces the whole list" });
  noDependsOn = Option.Boolean("--no-depends-on", false, { description: "It depends on nothing any more" });
  spec = Option.String("--spec", { description: "What is to be done, in Markdown" });
  specFile = Option.String("--spec-file", { description: "The same from a file, or - for stdin" });
  etag = Option.String("--etag", { description: "Change only if the feature still has this etag" });

  from = Option.String("--from", { description: "All of it from a file with front matter, or - for stdin" });

  #kept: string | undefined;

  override failureContext(): FailureContext {
    const command = `nexus feature edit ${cleanLine(this.slug)} --from`;
    return { ...super.failureContext(), ...(this.#kept === undefined ? {} : { kept: { path: this.#kept, command } }) };
  }

  async run() {
    const isTyped = this.from === undefined && this.#isUnsaid() && canEdit(this.context) && !this.json;
    await this.#apply(isTyped ? await this.#write() : await this.#asked());
    // From here on the server has it.
    if (this.#kept !== undefined) removeDraft(this.#kept);
  }

  #isUnsaid(): boolean {
    const { featureTitle, lane, touches, noTouches, dependsOn, noDependsOn, spec, specFile } = this;
    return (
      [featureTitle, lane, touches, dependsOn, spec, specFile].every((one) => one === undefined) &&
      !noTouches &&
      !noDependsOn
    );
  }

  /** What the options say, or the file that they name. */
  async #asked(): Promise<Change> {
    if (this.from !== undefined) {
      if (!this.#isUnsaid()) throw new CliError("USAGE_INVALID", "--from has all of it; no other change can be named");
      const text = await readInput(this.from, this.context);
      if (this.from === "-") this.#kept = keepDraft(text, this.context);
      return { file: parseSpecFile(text), ofFile: true, etag: this.etag };
    }
    const spec = await readSpec(this.spec, this.specFile, this.context);
    const file = {
      title: this.featureTitle,
      lane: this.lane,
      touches: this.noTouches ? [] : this.touches,
      dependsOn: this.noDependsOn ? [] : this.dependsOn,
      spec,
    };
    return { file, ofFile: false, etag: this.etag };
  }

  /** Has the feature as it is now changed in the editor; what was not changed there stays as it will be then. */
  async #write(): Promise<Change> {
    const projectId = await this.workspace.projectId();
    const { feature } = await this.workspace.client.features.getFeature({ projectId, slug: this.slug });
    if (feature === undefined) throw new Error("the server answered no feature");
    const before = formatSpecFile({
      ...feature,
      lane: enumWord(Lane, feature.lane),
      slug: undefined,
      touches: feature.touches.map(({ path }) => path),
    });
    this.#kept = keepDraft(before, this.context);
    const text = await editDraft(this.#kept, this.context);
    const [was, is] = [parseSpecFile(before), parseSpecFile(text)];
    const changed = Object.entries(is).filter(
      ([field, value]) => JSON.stringify(value) !== JSON.stringify(was[field as keyof SpecFile]),
    );
    const modes = new Map(feature.touches.map(({ path, mode }) => [path, mode]));
    if (changed.length > 0) {
      return { file: Object.fromEntries(changed), ofFile: true, etag: this.etag ?? feature.etag, modes };
    }
    removeDraft(this.#kept);
    this.#kept = undefined;
    throw new CliError("USAGE_INVALID", "nothing was changed");
  }

  async #apply({ file, ofFile, etag = "", modes }: Change): Promise<void> {
    const { title, spec, lane, touches, dependsOn } = file;
    const mask = Object.entries({ title, spec, lane, touches, depends_on: dependsOn }).flatMap(([field, value]) =>
      value === undefined ? [] : [field],
    );
    if (mask.length === 0) {
      throw new CliError("USAGE_INVALID", "nothing to change is named", "nexus feature edit --help");
    }
    const map = ofFile ? mapFileTouches : mapTouches;
    const feature = {
      title: title ?? "",
      spec: spec ?? "",
      lane: lane === undefined ? Lane.UNSPECIFIED : parseEnumWord<Lane>(Lane, lane, "--lane"),
      touches: map(touches ?? [], this.workspace, this.context).map(({ path }) => ({
        path,
        mode: modes?.get(path) ?? ClaimMode.UNSPECIFIED,
      })),
      dependsOn: [...(dependsOn ?? [])],
    };
    const projectId = await this.workspace.projectId();
    const root = this.workspace.checkout?.root;
    if (root !== undefined && feature.touches.length > 0) {
      const files = await this.progress.during("asking git", repositoryFiles(root));
      const paths = feature.touches.map(({ path }) => path);
      for (const warning of lintTouches(paths, files)) this.note(warning);
    }
    const answer = await this.workspace.client.features.updateFeature({
      projectId,
      slug: this.slug,
      feature,
      updateMask: { paths: mask },
      etag,
    });
    const warnings = formatWarnings(answer.warnings);
    if (warnings !== "") this.note(warnings);
    const changed = answer.feature;
    this.print(
      UpdateFeatureResponseSchema,
      answer,
      () => {
        if (changed === undefined) return "";
        const next = changed.status === FeatureStatus.DRAFT ? `\nnext: nexus feature ready ${changed.slug}\n` : "";
        return `${formatFeature(changed, this.terminal, this.context.now())}${next}`;
      },
      { names: [this.slug] },
    );
  }
}

/** What is to be changed. */
interface Change {
  /** Only the fields that change. */
  readonly file: Partial<SpecFile>;
  /** Whether its paths were written in a file, and so begin at the top of the repository. */
  readonly ofFile: boolean;
  readonly etag?: string | undefined;
  /** The modes of the touches that there are: a path that stays keeps its own. */
  readonly modes?: ReadonlyMap<string, ClaimMode>;
}
