import { RecordDecisionResponseSchema } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { Command, Option } from "clipanion";
import { cleanLine } from "../output/clean-text.ts";
import { TextCommand } from "../text-command.ts";

/** Records a decision. */
export class DecisionCommand extends TextCommand {
  static override paths = [["decision"]];
  static override usage = Command.Usage({
    description: "record a decision that others keep to until another supersedes it",
    details:
      "The first line is the title, the rest the decision. It holds for the whole project unless --feature names one. 'nexus knowledge decisions' lists those in force, with their ids.",
    examples: [
      ["For the project", '$0 decision "Keep claims in Redis" --rationale "they expire"'],
      ["In place of an earlier one", '$0 decision "Keep claims in Valkey" --supersedes 0d3b1c52-…'],
    ],
  });

  rationale = Option.String("--rationale", "", { description: "Why" });
  alternatives = Option.String("--alternatives", "", { description: "What else was considered" });
  consequences = Option.String("--consequences", "", { description: "What follows from it" });
  feature = Option.String("--feature", "", { description: "The feature it concerns; else the whole project" });
  supersedes = Option.Array("--supersedes", {
    description: "The id of a decision that it takes the place of; repeat it",
  });

  protected readonly verb = "decision";

  protected async send(text: string) {
    const [title = "", ...rest] = text.trim().split("\n");
    const projectId = await this.workspace.projectId();
    const answer = await this.currentSession.useOrDrop((sessionId) =>
      this.workspace.client.knowledge.recordDecision({
        projectId,
        slug: this.feature,
        sessionId,
        title,
        decision: rest.join("\n").trim(),
        rationale: this.rationale,
        alternatives: this.alternatives,
        consequences: this.consequences,
        supersedes: this.supersedes ?? [],
      }),
    );
    const { decision } = answer;
    const instead = (decision?.supersedes ?? []).length === 0 ? "" : `; it supersedes ${decision?.supersedes.length}`;
    this.print(
      RecordDecisionResponseSchema,
      answer,
      () => `decided: ${cleanLine(decision?.title ?? "")}${instead}\n${cleanLine(decision?.id ?? "")}\n`,
      { names: [decision?.id ?? ""] },
    );
  }
}
