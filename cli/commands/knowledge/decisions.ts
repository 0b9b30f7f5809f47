import { ListDecisionsResponseSchema } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { Command, Option } from "clipanion";
import { listAll } from "../../list-all.ts";
import { formatDecisions } from "../../output/describe-knowledge.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists decisions. */
export class KnowledgeDecisionsCommand extends ProjectCommand {
  static override paths = [["knowledge", "decisions"]];
  static override usage = Command.Usage({
    description: "list the decisions in force, the newest first",
    examples: [
      ["What holds", "$0 knowledge decisions"],
      ["With those that were superseded", "$0 knowledge decisions --all"],
    ],
  });

  feature = Option.String("--feature", "", { description: "Of this feature only" });
  all = Option.Boolean("--all", false, { description: "Superseded ones as well" });

  async run() {
    const projectId = await this.workspace.projectId();
    const { knowledge } = this.workspace.client;
    const asked = { projectId, slug: this.feature, includeSuperseded: this.all };
    const answer = await listAll("decisions", (page) => knowledge.listDecisions({ ...asked, ...page }));
    const view = { terminal: this.terminal, now: this.context.now() };
    this.print(
      ListDecisionsResponseSchema,
      answer,
      () => formatDecisions(answer.decisions, view) || "nothing was decided yet; 'nexus decision' does\n",
      { names: answer.decisions.map(({ id }) => id) },
    );
  }
}
