import { type Feature, FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { cleanLine } from "./clean-text.ts";
import { describeHolder, type RefusalView } from "./refusal.ts";
import { relativeTime } from "./relative-time.ts";

/** How a feature stands for a session (undefined: none yet), and the command that brings it on. */
export function formatNextStep(feature: Feature, sessionId: string | undefined, view: RefusalView): string {
  const slug = cleanLine(feature.slug);
  switch (feature.status) {
    case FeatureStatus.DRAFT:
      return `${slug} is a draft\nnext: nexus feature ready ${slug}\n`;
    case FeatureStatus.READY: {
      const { interruption } = feature;
      const ago =
        interruption === undefined ? "" : `; the work on it broke off ${relativeTime(interruption.time, view.now)}`;
      return `${slug} is ready${ago}\nnext: nexus pick ${slug}\n`;
    }
    case FeatureStatus.ACTIVE: {
      if (feature.holder?.sessionId === sessionId) {
        return `you hold ${slug}\nnext: nexus done   (how far you are: nexus save <text>)\n`;
      }
      const who = feature.holder === undefined ? `somebody works on ${slug}` : describeHolder(feature.holder, view);
      return `${who}\nnext: nexus pick ${slug} --wait   (if that is you elsewhere: nexus pick ${slug} --take-over)\n`;
    }
    case FeatureStatus.DONE: {
      const isMerged = feature.mergedTime !== undefined || feature.landing === undefined;
      return `${slug} is done\n${isMerged ? "" : `next, when it is in the main branch: nexus feature merged ${slug}\n`}`;
    }
    default:
      return `${slug} is cancelled\n`;
  }
}
