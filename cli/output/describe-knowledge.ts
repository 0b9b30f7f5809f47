import type { Briefing } from "@nexus/gen/nexus/v1/feature_service_pb";
import { type Decision, KnowledgeKind, type Learning } from "@nexus/gen/nexus/v1/knowledge_pb";
import type { SearchKnowledgeResponse_Result } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import type { Checkpoint } from "@nexus/gen/nexus/v1/session_pb";
import { cleanBlock, cleanLine } from "./clean-text.ts";
import { enumWord } from "./enum-words.ts";
import { formatFields } from "./fields.ts";
import { relativeTime } from "./relative-time.ts";
import { createStyle } from "./style.ts";
import type { Terminal } from "./terminal.ts";

/** Where and when something is shown. */
export interface KnowledgeView {
  readonly terminal: Terminal;
  readonly now: Date;
}

/** Learnings, each with who wrote it, when and on what. */
export function formatLearnings(learnings: readonly Learning[], view: KnowledgeView): string {
  return learnings.map((learning) => `${origin(learning, view)}\n${indented(learning.text)}\n`).join("");
}

/** Decisions with everything that they say. */
export function formatDecisions(decisions: readonly Decision[], view: KnowledgeView): string {
  const { bold, dim } = createStyle(view.terminal.color);
  return decisions
    .map((decision) => {
      const { title, id, supersededBy } = decision;
      const parts = [
        ["", decision.decision],
        ["because ", decision.rationale],
        ["instead of ", decision.alternatives],
        ["so that ", decision.consequences],
      ].flatMap(([lead, text]) => (text === "" ? [] : [`${indented(`${lead}${text}`)}\n`]));
      const over = supersededBy === "" ? "" : dim(`  superseded by ${cleanLine(supersededBy)}\n`);
      return `${bold(cleanLine(title))}\n${origin(decision, view)}  ${dim(cleanLine(id))}\n${over}${parts.join("")}`;
    })
    .join("");
}

/** A checkpoint with everything in it. */
export function formatCheckpoint(checkpoint: Checkpoint, { terminal, now }: KnowledgeView): string {
  const fields = formatFields(
    [
      ["feature", checkpoint.featureSlug],
      ["saved", relativeTime(checkpoint.createTime, now)],
      ["session", checkpoint.sessionId],
      ["branch", checkpoint.branch],
      ["commit", checkpoint.commit],
      ["held", checkpoint.heldTouches.map(({ path }) => path).join("  ")],
      ["changed", checkpoint.changedPaths.join("  ")],
      ["data", checkpoint.data === undefined ? "" : JSON.stringify(checkpoint.data)],
    ],
    terminal,
  );
  return `${fields}\n${cleanBlock(checkpoint.context).trimEnd()}\n`;
}

/** What a pick tells beside the feature itself; empty when nothing is known. */
export function formatBriefing(briefing: Briefing | undefined, view: KnowledgeView): string {
  if (briefing === undefined) return "";
  const { bold } = createStyle(view.terminal.color);
  const { checkpoint, decisions, learnings, omittedDecisions, omittedLearnings, checkpointCut } = briefing;
  const whole = checkpointCut ? "the whole: nexus resume\n" : "";
  const more = (count: number, command: string) => (count === 0 ? "" : `${count} more: ${command}\n`);
  const sections = [
    checkpoint === undefined ? "" : `${bold("last checkpoint")}\n${formatCheckpoint(checkpoint, view)}${whole}`,
    decisions.length === 0
      ? ""
      : `${bold("decided")}\n${formatDecisions(decisions, view)}${more(omittedDecisions, "nexus knowledge decisions")}`,
    learnings.length === 0
      ? ""
      : `${bold("learnt")}\n${formatLearnings(learnings, view)}${more(omittedLearnings, "nexus knowledge learnings")}`,
  ];
  return sections.map((section) => (section === "" ? "" : `\n${section}`)).join("");
}

/** What a search found: title, kind, feature and the part that matched. */
export function formatFinds(finds: readonly SearchKnowledgeResponse_Result[], view: KnowledgeView): string {
  const { bold, dim } = createStyle(view.terminal.color);
  return finds
    .map(({ kind, title, featureSlug, highlight, createTime, id }) => {
      const about = [enumWord(KnowledgeKind, kind), cleanLine(featureSlug), relativeTime(createTime, view.now), id];
      return `${bold(cleanLine(title))}\n  ${dim(about.filter((part) => part !== "").join("  "))}\n${indented(highlight)}\n`;
    })
    .join("");
}

function origin({ engineerName, agent, featureSlug, createTime }: Learning | Decision, view: KnowledgeView): string {
  const { dim } = createStyle(view.terminal.color);
  const who = agent === "" ? cleanLine(engineerName) : `${cleanLine(engineerName)} (${cleanLine(agent)})`;
  const what = featureSlug === "" ? "" : ` on ${cleanLine(featureSlug)}`;
  return dim(`  ${who}${what}, ${relativeTime(createTime, view.now)}`);
}

function indented(text: string): string {
  return cleanBlock(text).trimEnd().replace(/^/gm, "  ");
}
