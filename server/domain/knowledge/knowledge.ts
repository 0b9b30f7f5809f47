import type { Branded, DecisionId, EngineerId, ProjectId, Slug } from "../ids.ts";

/** What kind of knowledge something is. */
export type KnowledgeKind = "learning" | "decision" | "checkpoint" | "spec";

/** All kinds. */
export const KNOWLEDGE_KINDS: readonly KnowledgeKind[] = ["learning", "decision", "checkpoint", "spec"];

/** Who wrote something down. */
export interface Author {
  readonly engineerId: EngineerId;
  readonly engineerName: string;
  /** Empty when a person did. */
  readonly agent: string;
}

/** Something learnt that others should know. Never changes. */
export interface Learning extends Author {
  readonly id: LearningId;
  readonly projectId: ProjectId;
  /** The feature it was learnt on; undefined when it concerns the project. It outlives the feature. */
  readonly featureSlug: Slug | undefined;
  readonly text: string;
  readonly createTime: Date;
}

/** A learning's id: a UUID. */
export type LearningId = Branded<"LearningId">;

/** What a decision says. */
export interface DecisionContent {
  readonly title: string;
  readonly decision: string;
  readonly rationale: string;
  readonly alternatives: string;
  readonly consequences: string;
}

/** A choice that holds until another supersedes it. */
export interface Decision extends Author, DecisionContent {
  readonly id: DecisionId;
  readonly projectId: ProjectId;
  /** The feature it concerns; undefined when the project. It outlives the feature. */
  readonly featureSlug: Slug | undefined;
  /** The earlier decisions that it supersedes, the earliest first. */
  readonly supersedes: readonly DecisionId[];
  /** The one that superseded it; undefined while it is in force. */
  readonly supersededBy: DecisionId | undefined;
  readonly createTime: Date;
}
