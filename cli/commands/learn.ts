import { AddLearningResponseSchema } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { Command, Option } from "clipanion";
import { cleanLine } from "../output/clean-text.ts";
import { TextCommand } from "../text-command.ts";

/** Writes down something that was learnt. */
export class LearnCommand extends TextCommand {
  static override paths = [["learn"]];
  static override usage = Command.Usage({
    description: "write down what was learnt, for whoever works on the same thing next",
    details:
      "It belongs to the feature that the session holds, or to the project when it holds none, and is told to whoever picks that feature, or one that shares its files.",
    examples: [
      ["On the feature that was picked here", '$0 learn "the token cache is per process"'],
      ["On another one, from a file", "$0 learn --feature login - < notes.md"],
    ],
  });

  feature = Option.String("--feature", "", { description: "The feature; else the one that the session holds" });

  protected readonly verb = "learn";

  protected async send(text: string) {
    const projectId = await this.workspace.projectId();
    // Something learnt is not lost because a session has ended.
    const answer = await this.currentSession.useOrDrop((sessionId) =>
      this.workspace.client.knowledge.addLearning({ projectId, slug: this.feature, sessionId, text }),
    );
    const slug = answer.learning?.featureSlug ?? "";
    const where = slug === "" ? "for the whole project" : `on ${cleanLine(slug)}`;
    this.print(AddLearningResponseSchema, answer, () => `learnt ${where}\n`, {
      names: [answer.learning?.id ?? ""],
    });
  }
}
