import type { Holder } from "@nexus/gen/nexus/v1/claim_pb";
import type { ClaimConflict, ClaimConflict_Blocked } from "@nexus/gen/nexus/v1/error_details_pb";
import { cleanLine } from "./clean-text.ts";
import { relativeTime } from "./relative-time.ts";
import { createStyle } from "./style.ts";
import type { Terminal } from "./terminal.ts";
import { textWidth } from "./text-width.ts";

/** What a refusal is shown on, and when. */
export interface RefusalView {
  readonly terminal: Terminal;
  readonly now: Date;
  /** The feature that was asked for; empty when it is not known. */
  readonly subject?: string;
  /** The command to run now, where another feature is no help. */
  readonly next?: string;
}

/** A refused pick: for each holder the blocked touches, then what could be picked instead and the command for it. */
export function formatConflict({ blocked, suggestions }: ClaimConflict, view: RefusalView): string {
  const { bold } = createStyle(view.terminal.color);
  const touches = new Set(blocked.map(({ touch }) => touch?.path));
  const [first, ...others] = suggestions;
  const asked = view.subject ? bold(cleanLine(view.subject)) : "it";
  const count = touches.size === 1 ? "a path" : `${touches.size} paths`;
  const lines = [
    `${asked} is blocked: ${count} that it touches ${touches.size === 1 ? "is" : "are"} held`,
    ...formatBlocked(blocked, view).map((line) => `  ${line}`),
  ];
  if (view.next !== undefined) {
    lines.push(`next: ${bold(view.next)}`);
  } else if (first === undefined) {
    const wait = view.subject ? `nexus pick ${cleanLine(view.subject)} --wait` : "nexus next --wait";
    lines.push("nothing else is free now", `next: ${bold(wait)}   (it is picked as soon as it is free)`);
  } else {
    const also = others.map(({ slug }) => cleanLine(slug)).join(", ");
    if (also !== "") lines.push(`free as well: ${also}`);
    lines.push(`next: ${bold(`nexus pick ${cleanLine(first.slug)}`)}   (${cleanLine(first.title)}, free now)`);
  }
  return `${lines.join("\n")}\n`;
}

/** The lines that say who holds what of the asked touches, a holder at a time. */
export function formatBlocked(blocked: readonly ClaimConflict_Blocked[], view: RefusalView): string[] {
  const byHolder = Map.groupBy(blocked, ({ holder }) => `${holder?.sessionId} ${holder?.featureSlug}`);
  const width = Math.max(0, ...blocked.map(({ touch }) => textWidth(cleanLine(touch?.path ?? ""))));
  return [...byHolder.values()].flatMap((entries) => {
    const holder = entries[0]?.holder;
    const heading = holder === undefined ? "somebody" : describeHolder(holder, view);
    return [heading, ...entries.map((entry) => `  ${describeOverlap(entry, width)}`)];
  });
}

/** "Ana (claude) works on login, since 3 min ago, until in 4 min unless renewed". */
export function describeHolder(holder: Holder, { terminal, now }: RefusalView): string {
  const { bold } = createStyle(terminal.color);
  const agent = holder.agent === "" ? "" : ` (${cleanLine(holder.agent)})`;
  const who = `${cleanLine(holder.engineerName)}${agent}`;
  const since = holder.acquireTime === undefined ? "" : `, since ${relativeTime(holder.acquireTime, now)}`;
  const until =
    holder.expireTime === undefined ? "" : `, expires ${relativeTime(holder.expireTime, now)} unless renewed`;
  return `${bold(who)} works on ${bold(cleanLine(holder.featureSlug))}${since}${until}`;
}

function describeOverlap({ touch, heldPath, witnessPath }: ClaimConflict_Blocked, width: number): string {
  const asked = cleanLine(touch?.path ?? "");
  const held = cleanLine(heldPath);
  const padded = asked + " ".repeat(Math.max(0, width - textWidth(asked)));
  const both = witnessPath === "" || witnessPath === touch?.path || witnessPath === heldPath;
  const witness = both ? "" : `; both would write ${cleanLine(witnessPath)}`;
  return asked === held ? `${asked}` : `${padded}  overlaps ${held}${witness}`;
}
