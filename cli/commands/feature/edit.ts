import { FeatureStatus, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { UpdateFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { mapTouches, readSpec } from "../../feature-fields.ts";
import { formatFeature, formatWarnings } from "../../output/describe-feature.ts";
import { parseEnumWord } from "../../output/enum-words.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Changes what the flags name. */
export class FeatureEditCommand extends ProjectCommand {
  static override paths = [["feature", "edit"]];
  static override usage = Command.Usage({
    description: "change a feature",
    details:
      "Changes what the flags name and nothing else. A ready feature whose spec or touches change becomes a draft again; of an active one only title and lane can change.",
    examples: [
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

  async run() {
    const spec = await readSpec(this.spec, this.specFile, this.context);
    const touches = this.noTouches ? [] : this.touches;
    const dependsOn = this.noDependsOn ? [] : this.dependsOn;
    const given = { title: this.featureTitle, spec, lane: this.lane, touches, depends_on: dependsOn };
    const mask = Object.entries(given).flatMap(([field, value]) => (value === undefined ? [] : [field]));
    if (mask.length === 0) {
      throw new CliError("USAGE_INVALID", "nothing to change is named", "nexus feature edit --help");
    }
    const feature = {
      title: this.featureTitle ?? "",
      spec: spec ?? "",
      lane: this.lane === undefined ? Lane.UNSPECIFIED : parseEnumWord<Lane>(Lane, this.lane, "--lane"),
      touches: mapTouches(touches ?? [], this.workspace, this.context),
      dependsOn: dependsOn ?? [],
    };
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.features.updateFeature({
      projectId,
      slug: this.slug,
      feature,
      updateMask: { paths: mask },
      etag: this.etag ?? "",
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
