import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  ClaimEvent_Change as ClaimChange,
  type Event as EventMessage,
  EventSchema,
  FeatureEvent_Change as FeatureChange,
  KeyEvent_Change as KeyChange,
  MemberEvent_Change as MemberChange,
  EventKind as ProtoKind,
} from "@nexus/gen/nexus/v1/event_pb";
import type { EventFilters } from "@nexus/gen/nexus/v1/event_service_pb";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import type {
  ClaimEvent,
  Event,
  EventKind,
  EventPayload,
  FeatureEvent,
  Kept,
  KeyEvent,
  MemberEvent,
} from "../../domain/events/event.ts";
import type { AskedEvents } from "../../domain/events/read-events.ts";
import type { FieldParser } from "../../domain/field-parser.ts";
import type { Slug } from "../../domain/ids.ts";
import { interruptionToProto, laneToProto, statusToProto, touchToProto } from "./feature.ts";
import { roleToProto } from "./project.ts";
import { stateToProto } from "./session.ts";
import { timeFromProto, timeToProto } from "./time.ts";

const KINDS: Record<EventKind, ProtoKind> = {
  feature: ProtoKind.FEATURE,
  claim: ProtoKind.CLAIM,
  session: ProtoKind.SESSION,
  checkpoint: ProtoKind.CHECKPOINT,
  learning: ProtoKind.LEARNING,
  decision: ProtoKind.DECISION,
  roadmap: ProtoKind.ROADMAP,
  member: ProtoKind.MEMBER,
  key: ProtoKind.KEY,
};

const FEATURE_CHANGES: Record<FeatureEvent["change"], FeatureChange> = {
  created: FeatureChange.CREATED,
  updated: FeatureChange.UPDATED,
  status: FeatureChange.STATUS,
  deleted: FeatureChange.DELETED,
};

const CLAIM_CHANGES: Record<ClaimEvent["change"], ClaimChange> = {
  acquired: ClaimChange.ACQUIRED,
  extended: ClaimChange.EXTENDED,
  released: ClaimChange.RELEASED,
  expired: ClaimChange.EXPIRED,
  lost: ClaimChange.LOST,
  forced: ClaimChange.FORCED,
};

const MEMBER_CHANGES: Record<MemberEvent["change"], MemberChange> = {
  added: MemberChange.ADDED,
  updated: MemberChange.UPDATED,
  removed: MemberChange.REMOVED,
};

const KEY_CHANGES: Record<KeyEvent["change"], KeyChange> = {
  created: KeyChange.CREATED,
  revoked: KeyChange.REVOKED,
};

/** Messages of events that many streams send: made once. */
const made = new WeakMap<Event, EventMessage>();

/** Something that happened. */
export function eventToProto(event: Event): EventMessage {
  const known = made.get(event);
  if (known !== undefined) return known;
  const { projectId, sequence, actor } = event;
  const message = create(EventSchema, {
    projectId,
    sequence,
    actor,
    time: timeToProto(event.time),
    sessionId: event.sessionId ?? "",
    featureSlug: event.featureSlug ?? "",
    payload: payloadToProto(event, event.payload),
  });
  made.set(event, message);
  return message;
}

function payloadToProto(
  { projectId, sessionId, featureSlug }: Event,
  payload: Kept<EventPayload>,
): MessageInitShape<typeof EventSchema>["payload"] {
  switch (payload.kind) {
    case "feature": {
      const { change, from, to, interruption, after } = payload;
      const value = {
        change: FEATURE_CHANGES[change],
        from: from === undefined ? FeatureStatus.UNSPECIFIED : statusToProto(from),
        to: to === undefined ? FeatureStatus.UNSPECIFIED : statusToProto(to),
        interruption: interruption && interruptionToProto({ ...interruption, time: new Date(interruption.time) }),
        ...(after && { ...after, lane: laneToProto(after.lane) }),
      };
      return { case: "feature", value };
    }
    case "claim": {
      const { change, claimId, fencingToken, touches, reason = "" } = payload;
      const value = {
        change: CLAIM_CHANGES[change],
        claimId,
        fencingToken: BigInt(fencingToken),
        touches: touches.map(touchToProto),
        reason,
        sessionId: payload.sessionId,
      };
      return { case: "claim", value };
    }
    case "session":
      return { case: "session", value: { state: stateToProto(payload.state), agent: payload.agent } };
    case "checkpoint": {
      const { id, branch, commit, changedPaths, fencingToken, heldTouches, createTime } = payload.checkpoint;
      const value = {
        id,
        sessionId: sessionId ?? "",
        featureSlug: featureSlug ?? "",
        branch,
        commit,
        changedPaths: [...changedPaths],
        fencingToken: BigInt(fencingToken),
        heldTouches: heldTouches.map(touchToProto),
        createTime: keptTimeToProto(createTime),
      };
      return { case: "checkpoint", value };
    }
    case "learning": {
      const { id, text, engineerName, agent, createTime } = payload.learning;
      const value = { id, projectId, featureSlug, text, engineerName, agent, createTime: keptTimeToProto(createTime) };
      return { case: "learning", value };
    }
    case "decision": {
      const { id, title, decision, rationale, alternatives, consequences, supersedes } = payload.decision;
      const { engineerName, agent, createTime } = payload.decision;
      const said = { title, decision, rationale, alternatives, consequences, supersedes: [...supersedes] };
      const value = {
        id,
        projectId,
        featureSlug,
        ...said,
        engineerName,
        agent,
        createTime: keptTimeToProto(createTime),
      };
      return { case: "decision", value };
    }
    case "roadmap":
      return { case: "roadmap", value: { lane: laneToProto(payload.lane), position: payload.position } };
    case "member": {
      const { change, email, role } = payload;
      return { case: "member", value: { change: MEMBER_CHANGES[change], email, role: roleToProto(role) } };
    }
    case "key":
      return { case: "key", value: { change: KEY_CHANGES[payload.change], lastFour: payload.lastFour } };
  }
}

function keptTimeToProto(time: string): Timestamp {
  return timestampFromDate(new Date(time));
}

/** Which events are asked for. */
export function askedEventsFromProto(fields: FieldParser, filters: EventFilters | undefined): AskedEvents {
  const { kinds = [], featureSlug = "", engineer = "", sinceTime } = filters ?? {};
  return {
    kinds: kinds.flatMap((kind, index) => kindFromProto(fields, `filters.kinds[${index}]`, kind)),
    featureSlug: featureSlug === "" ? undefined : (fields.slug("filters.feature_slug", featureSlug) as Slug),
    engineer: engineer === "" ? undefined : fields.email("filters.engineer", engineer),
    since: timeFromProto(fields, "filters.since_time", sinceTime),
  };
}

function kindFromProto(fields: FieldParser, field: string, kind: ProtoKind): EventKind[] {
  const word = (Object.keys(KINDS) as EventKind[]).find((key) => KINDS[key] === kind);
  if (word !== undefined) return [word];
  fields.reject(field, `${kind} is not one of its values; EVENT_KIND_FEATURE, for example`);
  return [];
}
