import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  ClaimEvent_Change,
  type Event,
  FeatureEvent_Change,
  KeyEvent_Change,
  MemberEvent_Change,
} from "@nexus/gen/nexus/v1/event_pb";
import { FeatureStatus, InterruptionCause, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { Role } from "@nexus/gen/nexus/v1/project_pb";
import { SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { cleanLine } from "./clean-text.ts";
import { enumWord } from "./enum-words.ts";
import type { Style } from "./style.ts";

/** An event on one line: `12:03:44  ana: login is active`. */
export function describeEvent(event: Event, style: Style): string {
  const time = event.time === undefined ? "" : timestampDate(event.time).toTimeString().slice(0, 8);
  return `${style.dim(time)}  ${style.bold(cleanLine(event.actor))}: ${cleanLine(sentenceOf(event))}\n`;
}

function sentenceOf({ featureSlug: slug, payload }: Event): string {
  switch (payload.case) {
    case "feature": {
      const { change, from, to, title, interruption } = payload.value;
      if (change === FeatureEvent_Change.CREATED) return `created ${slug}${title === "" ? "" : `: ${title}`}`;
      if (change === FeatureEvent_Change.DELETED) return `deleted ${slug}`;
      const status = enumWord(FeatureStatus, to);
      if (change === FeatureEvent_Change.UPDATED)
        return `changed ${slug}${from === to ? "" : `, which is ${status} now`}`;
      const cause = interruption && `: ${enumWord(InterruptionCause, interruption.cause).replaceAll("_", " ")}`;
      return `${slug} is ${status}${cause ?? ""}`;
    }
    case "claim": {
      const { change, touches, reason } = payload.value;
      const what = touches.map(({ path }) => path).join(" ") || "no files";
      return `${enumWord(ClaimEvent_Change, change)} ${what} for ${slug}${reason === "" ? "" : ` (${reason})`}`;
    }
    case "session": {
      const { state, agent } = payload.value;
      return `${agent === "" ? "a session" : `a session of ${agent}`} is ${enumWord(SessionState, state)}`;
    }
    case "checkpoint":
      return `saved a checkpoint${slug === "" ? "" : ` of ${slug}`}`;
    case "learning":
      return `learnt${slug === "" ? "" : ` on ${slug}`}: ${payload.value.text}`;
    case "decision":
      return `decided: ${payload.value.title}`;
    case "roadmap":
      return `moved ${slug} to ${enumWord(Lane, payload.value.lane)} ${payload.value.position}`;
    case "member":
      return memberSentence(payload.value);
    case "key":
      return `${enumWord(KeyEvent_Change, payload.value.change)} a key that ends in ${payload.value.lastFour}`;
    case undefined:
      return "something that this version does not know";
  }
}

function memberSentence({ change, email, role }: Extract<Event["payload"], { case: "member" }>["value"]): string {
  if (change === MemberEvent_Change.REMOVED) return `removed ${email}`;
  const word = enumWord(Role, role);
  return change === MemberEvent_Change.ADDED ? `added ${email} as ${word}` : `made ${email} ${word}`;
}
