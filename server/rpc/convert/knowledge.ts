import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { BriefingSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import {
  type Decision,
  DecisionSchema,
  KnowledgeKind as KindMessage,
  type Learning,
  LearningSchema,
} from "@nexus/gen/nexus/v1/knowledge_pb";
import type { SearchKnowledgeResponse_ResultSchema } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import type { FieldParser } from "../../domain/field-parser.ts";
import type { Briefing } from "../../domain/knowledge/brief-feature.ts";
import {
  type Decision as DomainDecision,
  type Learning as DomainLearning,
  KNOWLEDGE_KINDS,
  type KnowledgeKind,
} from "../../domain/knowledge/knowledge.ts";
import type { Found, FoundKey } from "../../domain/knowledge/knowledge-store.ts";
import { checkpointToProto } from "./checkpoint.ts";
import { interruptionToProto } from "./feature.ts";
import { isInRange, timeToProto } from "./time.ts";

const KIND_TO_PROTO: Record<KnowledgeKind, KindMessage> = {
  learning: KindMessage.LEARNING,
  decision: KindMessage.DECISION,
  checkpoint: KindMessage.CHECKPOINT,
  spec: KindMessage.SPEC,
};

/** A learning. */
export function learningToProto(learning: DomainLearning): Learning {
  const { id, projectId, featureSlug = "", text, engineerName, agent, createTime } = learning;
  return create(LearningSchema, {
    id,
    projectId,
    featureSlug,
    text,
    engineerName,
    agent,
    createTime: timeToProto(createTime),
  });
}

/** A decision. */
export function decisionToProto(decision: DomainDecision): Decision {
  const { id, projectId, featureSlug = "", title, rationale, alternatives, consequences } = decision;
  return create(DecisionSchema, {
    id,
    projectId,
    featureSlug,
    title,
    decision: decision.decision,
    rationale,
    alternatives,
    consequences,
    supersedes: [...decision.supersedes],
    supersededBy: decision.supersededBy ?? "",
    engineerName: decision.engineerName,
    agent: decision.agent,
    createTime: timeToProto(decision.createTime),
  });
}

/** What a picker should know. */
export function briefingToProto(briefing: Briefing): MessageInitShape<typeof BriefingSchema> {
  const { learnings, decisions, interruption, checkpoint, ...counts } = briefing;
  return {
    ...counts,
    learnings: learnings.map(learningToProto),
    decisions: decisions.map(decisionToProto),
    interruption: interruption && interruptionToProto(interruption),
    checkpoint: checkpoint && checkpointToProto(checkpoint),
  };
}

/** One find. */
export function foundToProto(found: Found): MessageInitShape<typeof SearchKnowledgeResponse_ResultSchema> {
  const { kind, id, featureSlug = "", title, highlight, rank, createTime } = found;
  return { kind: KIND_TO_PROTO[kind], id, featureSlug, title, highlight, rank, createTime: timeToProto(createTime) };
}

/** The kinds that are asked for; all of them where none is said. */
export function kindsFromProto(fields: FieldParser, field: string, kinds: readonly KindMessage[]): KnowledgeKind[] {
  fields.atMost(field, kinds, 100);
  const asked = new Set<KindMessage>(kinds.slice(0, 100));
  asked.delete(KindMessage.UNSPECIFIED);
  if (asked.size === 0) return [...KNOWLEDGE_KINDS];
  for (const [index, kind] of kinds.slice(0, 100).entries()) {
    if (KindMessage[kind] === undefined) fields.reject(`${field}[${index}]`, `${kind} is not one of its values`);
  }
  return KNOWLEDGE_KINDS.filter((kind) => asked.has(KIND_TO_PROTO[kind]));
}

/** Where a list of learnings or decisions goes on. */
export function ordinalFromToken(fields: FieldParser, key: unknown): number | undefined {
  if (key === undefined || (typeof key === "number" && Number.isSafeInteger(key))) return key;
  fields.reject("page_token", "is not a token of this list");
  return undefined;
}

/** Where a search goes on. */
export function foundKeyFromToken(fields: FieldParser, key: unknown): FoundKey | undefined {
  if (key === undefined) return undefined;
  const { rank, createTime, id } = Object(key) as Partial<Record<keyof FoundKey, unknown>>;
  const time = new Date(typeof createTime === "string" ? createTime : Number.NaN);
  if (typeof rank !== "number" || !isInRange(time) || typeof id !== "string") {
    fields.reject("page_token", "is not a token of this list");
    return undefined;
  }
  return { rank, createTime: time, id: fields.id("page_token", id) };
}
