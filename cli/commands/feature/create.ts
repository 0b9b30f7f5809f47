import { Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { CreateFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { mapTouches, readSpec } from "../../feature-fields.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { formatWarnings } from "../../output/describe-feature.ts";
import { parseEnumWord } from "../../output/enum-words.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Creates a draft. */
export class FeatureCreateCommand extends ProjectCommand {
  static override paths = [["feature", "create"]];
  static override usage = Command.Usage({
    description: "create a feature as a draft",
    details:
      "Touches are the files that the work will change: paths or patterns, relative to the current folder. A pick claims all of them, or is refused.",
    examples: [
      ["Create a feature", "$0 feature create --title 'Log in' --touch src/auth.ts --touch 'src/ui/**'"],
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

  async run() {
    const lane = this.lane === undefined ? Lane.UNSPECIFIED : parseEnumWord<Lane>(Lane, this.lane, "--lane");
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.features.createFeature({
      projectId,
      slug: this.slug ?? "",
      title: this.featureTitle ?? "",
      spec: (await readSpec(this.spec, this.specFile, this.context)) ?? "",
      lane,
      touches: mapTouches(this.touches ?? [], this.workspace, this.context),
      dependsOn: this.dependsOn ?? [],
    });
    const warnings = formatWarnings(answer.warnings);
    if (warnings !== "") this.note(warnings);
    const slug = cleanLine(answer.feature?.slug ?? "");
    const touched = (answer.feature?.touches ?? []).map(({ path }) => cleanLine(path)).join("  ");
    this.print(
      CreateFeatureResponseSchema,
      answer,
      () => `created ${slug} as a draft${touched && `; it touches ${touched}`}\nnext: nexus feature ready ${slug}\n`,
    );
  }
}
