import { ListLearningsResponseSchema } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { Command, Option } from "clipanion";
import { listAll } from "../../list-all.ts";
import { formatLearnings } from "../../output/describe-knowledge.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists learnings. */
export class KnowledgeLearningsCommand extends ProjectCommand {
  static override paths = [["knowledge", "learnings"]];
  static override usage = Command.Usage({
    description: "list what was learnt, the newest first",
    examples: [["On one feature", "$0 knowledge learnings --feature login"]],
  });

  feature = Option.String("--feature", "", { description: "Of this feature only" });

  async run() {
    const projectId = await this.workspace.projectId();
    const { knowledge } = this.workspace.client;
    const slug = this.feature;
    const answer = await listAll("learnings", (page) => knowledge.listLearnings({ projectId, slug, ...page }));
    const view = { terminal: this.terminal, now: this.context.now() };
    this.print(
      ListLearningsResponseSchema,
      answer,
      () => formatLearnings(answer.learnings, view) || "nothing was written down yet; 'nexus learn' does\n",
      { names: answer.learnings.map(({ id }) => id) },
    );
  }
}
