import { type Feature, FeatureStatus, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import type { FeatureWarning } from "@nexus/gen/nexus/v1/feature_service_pb";
import { cleanBlock, cleanLine } from "./clean-text.ts";
import { enumWord } from "./enum-words.ts";
import { formatFields } from "./fields.ts";
import { relativeTime } from "./relative-time.ts";
import { type Column, formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** The columns of a list of features. */
export function featureColumns(now: Date): Column<Feature>[] {
  return [
    { heading: "feature", cell: ({ slug }) => slug },
    { heading: "status", cell: ({ status }) => enumWord(FeatureStatus, status) },
    { heading: "lane", cell: ({ lane }) => enumWord(Lane, lane) },
    { heading: "title", cell: ({ title }) => title, flexible: true },
    { heading: "held by", cell: holderName, flexible: true },
    { heading: "changed", cell: ({ updateTime }) => relativeTime(updateTime, now) },
  ];
}

/** A list of features, or a sentence when there are none. */
export function formatFeatures(features: readonly Feature[], terminal: Terminal, now: Date, none: string): string {
  return formatTable(featureColumns(now), features, terminal) || `${none}\n`;
}

/** A feature with everything in it. */
export function formatFeature(feature: Feature, terminal: Terminal, now: Date): string {
  const { interruption, landing } = feature;
  const fields = formatFields(
    [
      ["feature", feature.slug],
      ["title", feature.title],
      ["status", enumWord(FeatureStatus, feature.status)],
      ["lane", enumWord(Lane, feature.lane)],
      ["touches", feature.touches.map(({ path }) => path).join("  ")],
      ["depends on", feature.dependsOn.join("  ")],
      ["held by", holderName(feature)],
      ["since", relativeTime(feature.holder?.acquireTime, now)],
      ["expires", relativeTime(feature.holder?.expireTime, now)],
      [
        "interrupted",
        interruption ? `${relativeTime(interruption.time, now)}, held by ${interruption.engineerName}` : "",
      ],
      ["landed", landing ? [landing.branch, landing.commit].filter(Boolean).join(" ") : ""],
      ["merged", relativeTime(feature.mergedTime, now)],
      [
        "passed over",
        feature.passedOver === 0
          ? ""
          : `${feature.passedOver} times, since ${relativeTime(feature.passedOverSince, now)}`,
      ],
      ["created", relativeTime(feature.createTime, now)],
      ["changed", relativeTime(feature.updateTime, now)],
      ["done", relativeTime(feature.doneTime, now)],
    ],
    terminal,
  );
  return feature.spec === "" ? fields : `${fields}\n${cleanBlock(feature.spec).trimEnd()}\n`;
}

/** What is likely not meant, one warning a line; empty when nothing is. */
export function formatWarnings(warnings: readonly FeatureWarning[]): string {
  return warnings.map(({ message }) => `warning: ${cleanLine(message)}`).join("\n");
}

/** Who works on a feature, with the agent; empty when nobody does. */
export function holderName({ holder }: Feature): string {
  if (holder === undefined) return "";
  return holder.agent === "" ? holder.engineerName : `${holder.engineerName} (${holder.agent})`;
}
