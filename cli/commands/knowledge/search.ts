import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { KnowledgeKind } from "@nexus/gen/nexus/v1/knowledge_pb";
import { SearchKnowledgeResponseSchema } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { mapTouches } from "../../feature-fields.ts";
import { formatFinds } from "../../output/describe-knowledge.ts";
import { parseEnumWord } from "../../output/enum-words.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Searches what is known. */
export class KnowledgeSearchCommand extends ProjectCommand {
  static override paths = [["knowledge", "search"]];
  static override usage = Command.Usage({
    description: "search learnings, decisions, checkpoints and specs, the best match first",
    details:
      'All words must occur; `or` between words lets either do, `-` before a word excludes it, and "words in quotes" follow each other. Without words: everything that the options let through, the newest first.',
    examples: [
      ["By words", "$0 knowledge search token cache"],
      ["Without a word", "$0 knowledge search -- token -redis"],
      ["What do we know about these files?", "$0 knowledge search --path src/auth.ts --path 'src/ui/**'"],
    ],
  });

  words = Option.Rest({ name: "words" });
  touching = Option.Array("--path", { description: "Of features that touch this path or pattern; repeat it" });
  kind = Option.Array("--kind", { description: "Only these: learning, decision, checkpoint, spec; repeat it" });
  feature = Option.String("--feature", "", { description: "Of this feature only" });
  author = Option.String("--author", "", { description: "By this engineer only: an email" });
  since = Option.String("--since", { description: "Since this time only: 2026-01-31, or with a time of day" });
  limit = Option.String("--limit", "20", { description: "At most so many, 1 to 500; 20 by default" });

  async run() {
    const kinds = (this.kind ?? [])
      .flatMap((words) => words.split(","))
      .map((word) => parseEnumWord<KnowledgeKind>(KnowledgeKind, word.trim(), "--kind"));
    const sinceTime = this.since === undefined ? undefined : timestampFromDate(parseTime(this.since));
    if (!/^\d{1,3}$/.test(this.limit) || Number(this.limit) < 1 || Number(this.limit) > 500) {
      throw new CliError("USAGE_INVALID", `--limit is a number from 1 to 500, not ${JSON.stringify(this.limit)}`);
    }
    const answer = await this.workspace.client.knowledge.searchKnowledge({
      projectId: await this.workspace.projectId(),
      query: this.words.join(" "),
      paths: mapTouches(this.touching ?? [], this.workspace, this.context).map(({ path }) => path),
      kinds,
      slug: this.feature,
      author: this.author,
      ...(sinceTime === undefined ? {} : { sinceTime }),
      pageSize: Number(this.limit),
    });
    const view = { terminal: this.terminal, now: this.context.now() };
    const more = answer.nextPageToken === "" ? "" : "there are more; narrow it, or raise --limit\n";
    this.print(
      SearchKnowledgeResponseSchema,
      answer,
      () => `${formatFinds(answer.results, view) || "nothing is known of that\n"}${more}`,
      { names: answer.results.map(({ id }) => id) },
    );
  }
}

function parseTime(text: string): Date {
  const time = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(time.getTime())) {
    throw new CliError("USAGE_INVALID", `--since is a date such as 2026-01-31, not ${JSON.stringify(text)}`);
  }
  return time;
}
