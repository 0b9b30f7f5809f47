import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ClaimMode, type HolderSchema, type Touch as TouchMessage, TouchSchema } from "@nexus/gen/nexus/v1/claim_pb";
import type { ClaimConflict_BlockedSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import {
  type Feature as FeatureMessage,
  FeatureSchema,
  FeatureStatus as FeatureStatusMessage,
  InterruptionCause as InterruptionCauseMessage,
  type InterruptionSchema,
  Lane as LaneMessage,
} from "@nexus/gen/nexus/v1/feature_pb";
import type { UnmergedOverlapSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import type { Touch } from "../../domain/claims/touch.ts";
import type {
  Feature,
  FeatureStatus,
  FeatureView,
  Holder,
  Interruption,
  InterruptionCause,
  Lane,
} from "../../domain/features/feature.ts";
import { LANES } from "../../domain/features/feature.ts";
import type { Blocked } from "../../domain/features/feature-errors.ts";
import type { FeatureListKey } from "../../domain/features/feature-store.ts";
import type { NamedHold } from "../../domain/features/held-feature.ts";
import type { BlockedFeature } from "../../domain/features/list-available.ts";
import type { UnmergedOverlap } from "../../domain/features/unmerged.ts";
import { FieldParser } from "../../domain/field-parser.ts";
import type { FeatureId, ProjectId, SessionId } from "../../domain/ids.ts";
import { parsePattern } from "../../domain/paths/parse-pattern.ts";
import { PathProblem } from "../../domain/paths/path-problem.ts";
import { timeToProto } from "./time.ts";

const STATUS_TO_PROTO: Record<FeatureStatus, FeatureStatusMessage> = {
  draft: FeatureStatusMessage.DRAFT,
  ready: FeatureStatusMessage.READY,
  active: FeatureStatusMessage.ACTIVE,
  done: FeatureStatusMessage.DONE,
  cancelled: FeatureStatusMessage.CANCELLED,
};

const LANE_TO_PROTO: Record<Lane, LaneMessage> = {
  now: LaneMessage.NOW,
  next: LaneMessage.NEXT,
  later: LaneMessage.LATER,
  icebox: LaneMessage.ICEBOX,
};

const CAUSE_TO_PROTO: Record<InterruptionCause, InterruptionCauseMessage> = {
  "session-expired": InterruptionCauseMessage.SESSION_EXPIRED,
  "session-crashed": InterruptionCauseMessage.SESSION_CRASHED,
  "forced-release": InterruptionCauseMessage.FORCED_RELEASE,
  "member-removed": InterruptionCauseMessage.MEMBER_REMOVED,
  "claim-lost": InterruptionCauseMessage.CLAIM_LOST,
};

/** A status. */
export function statusToProto(status: FeatureStatus): FeatureStatusMessage {
  return STATUS_TO_PROTO[status];
}

/** A lane. */
export function laneToProto(lane: Lane): LaneMessage {
  return LANE_TO_PROTO[lane];
}

/** What ended work uncleanly. */
export function causeToProto(cause: InterruptionCause): InterruptionCauseMessage {
  return CAUSE_TO_PROTO[cause];
}

/** How work on a feature broke off. */
export function interruptionToProto(interruption: Interruption): MessageInitShape<typeof InterruptionSchema> {
  const { time, cause, checkpointId = "" } = interruption;
  return { ...interruption, time: timeToProto(time), cause: causeToProto(cause), checkpointId };
}

/** A touch. */
export function touchToProto(touch: Touch): TouchMessage {
  return create(TouchSchema, {
    path: touch.path,
    mode: touch.mode === "shared" ? ClaimMode.SHARED : ClaimMode.EXCLUSIVE,
  });
}

/** Who holds something. */
export function holderToProto(holder: Holder): MessageInitShape<typeof HolderSchema> {
  return { ...holder, acquireTime: timeToProto(holder.acquireTime), expireTime: timeToProto(holder.expireTime) };
}

/** A touch that somebody else's claim overlaps. */
export function blockedToProto(blocked: Blocked): MessageInitShape<typeof ClaimConflict_BlockedSchema> {
  return { ...blocked, touch: touchToProto(blocked.touch), holder: holderToProto(blocked.holder) };
}

/** A feature with its holder. */
export function featureToProto(view: FeatureView | Feature): FeatureMessage {
  const { feature, holder } = "feature" in view ? view : { feature: view, holder: undefined };
  const { interruption } = feature;
  return create(FeatureSchema, {
    id: feature.id,
    projectId: feature.projectId,
    slug: feature.slug,
    title: feature.title,
    spec: feature.spec,
    status: statusToProto(feature.status),
    lane: laneToProto(feature.lane),
    position: feature.position,
    touches: feature.touches.map(touchToProto),
    dependsOn: [...feature.dependsOn],
    etag: String(feature.version),
    createTime: timeToProto(feature.createTime),
    updateTime: timeToProto(feature.updateTime),
    readyTime: timeToProto(feature.readyTime),
    doneTime: timeToProto(feature.doneTime),
    holder: holder && holderToProto(holder),
    interruption: interruption && interruptionToProto(interruption),
    landing: feature.landing,
    mergedTime: timeToProto(feature.mergedTime),
    passedOver: feature.passedOver,
    passedOverSince: timeToProto(feature.passedOverSince),
  });
}

/** A ready feature that can't be picked now. */
export function blockedFeatureToProto(one: BlockedFeature) {
  const { feature, blocked, unmet, omitted } = one;
  return { feature: featureToProto(feature), blocked: blocked.map(blockedToProto), unmet: [...unmet], omitted };
}

/** Work on another branch that overlaps what was picked. */
export function unmergedToProto({ feature, paths }: UnmergedOverlap): MessageInitShape<typeof UnmergedOverlapSchema> {
  const { slug, title, landing, doneTime } = feature;
  return { featureSlug: slug, title, landing, doneTime: timeToProto(doneTime), paths: [...paths] };
}

/** Where a list of features goes on. */
export function featureListKeyFromToken(fields: FieldParser, key: unknown): FeatureListKey | undefined {
  if (key === undefined) return undefined;
  const { lane, position, id } = Object(key) as Partial<Record<keyof FeatureListKey, unknown>>;
  const known = LANES.find((l) => l === lane);
  if (known === undefined || typeof position !== "number" || typeof id !== "string") {
    fields.reject("page_token", "is not a token of this list");
    return undefined;
  }
  return { lane: known, position, id: fields.id<FeatureId>("page_token", id) };
}

/** A lane, `fallback` where none is said. */
export function laneFromProto(fields: FieldParser, field: string, lane: LaneMessage, fallback: Lane): Lane {
  return enumFrom(fields, field, LANE_TO_PROTO, lane, "LANE_NOW, LANE_NEXT, LANE_LATER or LANE_ICEBOX") ?? fallback;
}

/** A status; undefined where none is said. */
export function statusFromProto(
  fields: FieldParser,
  field: string,
  status: FeatureStatusMessage,
): FeatureStatus | undefined {
  return enumFrom(fields, field, STATUS_TO_PROTO, status, "FEATURE_STATUS_READY, for example");
}

function enumFrom<Word extends string>(
  fields: FieldParser,
  field: string,
  table: Record<Word, number>,
  value: number,
  hint: string,
): Word | undefined {
  if (value === 0) return undefined;
  const word = (Object.keys(table) as Word[]).find((key) => table[key] === value);
  if (word === undefined) fields.reject(field, `${value} is not one of its values; ${hint}`);
  return word;
}

const MODES = new Map<number, Touch["mode"]>([
  [ClaimMode.UNSPECIFIED, "exclusive"],
  [ClaimMode.EXCLUSIVE, "exclusive"],
  [ClaimMode.SHARED, "shared"],
]);

/** Touches in normal form, each once. */
export function touchesFromProto(
  fields: FieldParser,
  field: string,
  touches: readonly TouchMessage[],
  max: number,
): Touch[] {
  fields.atMost(field, touches, max);
  const byPath = new Map<string, Touch>();
  for (const [index, touch] of touches.slice(0, max).entries()) {
    const path = pathFromProto(fields, `${field}[${index}].path`, touch.path);
    const mode = MODES.get(touch.mode);
    if (mode === undefined) {
      fields.reject(
        `${field}[${index}].mode`,
        `${touch.mode} is not one of its values; CLAIM_MODE_EXCLUSIVE or _SHARED`,
      );
    }
    // Of two entries for one path the exclusive one holds.
    if (byPath.get(path)?.mode !== "exclusive") byPath.set(path, { path, mode: mode ?? "exclusive" });
  }
  return [...byPath.values()];
}

/** An entry of the path language in normal form. */
export function pathFromProto(fields: FieldParser, field: string, text: string): string {
  // Whether case matters makes no difference to the normal form.
  const parsed = parsePattern(text, { caseSensitive: true });
  if (parsed instanceof PathProblem) {
    fields.rejectPath(field, parsed.description);
    return text;
  }
  return parsed.text;
}

/** Which feature a request names. */
export function featureNameFromProto(request: { projectId: string; slug: string }) {
  const fields = new FieldParser();
  const projectId = fields.id<ProjectId>("project_id", request.projectId);
  const slug = fields.slug("slug", request.slug);
  fields.done();
  return { projectId, slug };
}

/** Which hold a request names. */
export function holdFromProto(request: {
  projectId: string;
  slug: string;
  sessionId: string;
  fencingToken: bigint;
}): NamedHold {
  const fields = new FieldParser();
  const hold = {
    projectId: fields.id<ProjectId>("project_id", request.projectId),
    slug: fields.slug("slug", request.slug),
    sessionId: fields.id<SessionId>("session_id", request.sessionId),
    fencingToken: request.fencingToken,
  };
  if (hold.fencingToken === 0n) fields.reject("fencing_token", "is required; the pick answered it");
  fields.done();
  return hold;
}
