import type { PickFeatureResponse, UnmergedOverlap } from "@nexus/gen/nexus/v1/feature_service_pb";
import { cleanLine } from "./clean-text.ts";
import { formatFeature } from "./describe-feature.ts";
import { formatBriefing } from "./describe-knowledge.ts";
import { relativeTime } from "./relative-time.ts";
import { createStyle } from "./style.ts";
import type { Terminal } from "./terminal.ts";

/** What was picked: what is held until when, and what to know before starting. */
export function formatPick(
  { feature, claim, briefing, unmerged }: Pick<PickFeatureResponse, "feature" | "claim" | "briefing" | "unmerged">,
  terminal: Terminal,
  now: Date,
): string {
  if (feature === undefined) return "";
  const { green, bold } = createStyle(terminal.color);
  const held = (claim?.touches ?? []).map(({ path }) => `  ${cleanLine(path)}\n`).join("");
  const until = `expires ${relativeTime(claim?.expireTime, now)} unless renewed`;
  const before = briefing?.interruption;
  const broken =
    before === undefined
      ? ""
      : `earlier work on it by ${cleanLine(before.engineerName)} broke off ${relativeTime(before.time, now)}; half-done changes may lie in ${cleanLine(before.worktree)} on ${cleanLine(before.host)}\n`;
  return [
    `${green("picked")} ${bold(cleanLine(feature.slug))}; ${until}\n`,
    held === "" ? "it touches no files: nothing keeps others from editing the same ones\n" : `you hold\n${held}`,
    broken,
    formatBriefing(briefing, { terminal, now }),
    ...unmerged.map(formatUnmerged),
    feature.spec === "" ? "" : `\n${formatFeature(feature, terminal, now)}\n`,
    `next: nexus done   (or give it back: nexus feature release)\n`,
  ].join("");
}

function formatUnmerged({ featureSlug, landing, paths }: UnmergedOverlap): string {
  const where = landing?.branch ? ` on ${cleanLine(landing.branch)}` : "";
  const slug = cleanLine(featureSlug);
  return `${slug} is done${where} and not merged; it changed ${paths.map(cleanLine).join(", ")} (in the main branch: nexus feature merged ${slug})\n`;
}
