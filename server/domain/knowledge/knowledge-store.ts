import type { Touch } from "../claims/touch.ts";
import type { DecisionId, ProjectId, Slug } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Decision, KnowledgeKind, Learning, LearningId } from "./knowledge.ts";

/** Lists of learnings and decisions are in the order of recording, the latest first, whatever clocks say. */
export type OrdinalKey = number;

/** What concerns a feature, the nearest first, and how much more there is. */
export interface Concerning<Item> {
  readonly items: readonly Item[];
  /** How many there are in all. */
  readonly total: number;
}

/** Whom knowledge is to concern: a feature, others that share its paths, and the project as a whole. */
export interface Concern {
  readonly featureSlug: Slug;
  readonly sharing: readonly Slug[];
}

/** Keeps learnings. */
export interface LearningStore {
  insert(learning: Omit<Learning, "engineerName">): Promise<void>;

  get(projectId: ProjectId, id: LearningId): Promise<Learning | undefined>;

  list(
    projectId: ProjectId,
    featureSlug: Slug | undefined,
    page: PageRequest<OrdinalKey>,
  ): Promise<Page<Learning, OrdinalKey>>;

  /** Those of the feature first, then those of the features that share its paths, then the project's. */
  listConcerning(projectId: ProjectId, concern: Concern, limit: number): Promise<Concerning<Learning>>;
}

/** Keeps decisions. */
export interface DecisionStore {
  insert(decision: Omit<Decision, "engineerName" | "supersedes" | "supersededBy">): Promise<void>;

  get(projectId: ProjectId, id: DecisionId): Promise<Decision | undefined>;

  /** Those of these ids that exist in the project, locked until the transaction ends. */
  getLocked(projectId: ProjectId, ids: readonly DecisionId[]): Promise<Decision[]>;

  /** Notes which decision supersedes these. */
  supersede(ids: readonly DecisionId[], by: DecisionId): Promise<void>;

  /** The decision in force that superseded this one, directly or through others; itself when it is in force. */
  inForceInsteadOf(id: DecisionId): Promise<DecisionId>;

  list(
    projectId: ProjectId,
    filter: { readonly featureSlug: Slug | undefined; readonly includeSuperseded: boolean },
    page: PageRequest<OrdinalKey>,
  ): Promise<Page<Decision, OrdinalKey>>;

  /** Those in force, ordered as learnings are. */
  listConcerning(projectId: ProjectId, concern: Concern, limit: number): Promise<Concerning<Decision>>;
}

/** What is looked for. What is undefined lets everything through. */
export interface KnowledgeQuery {
  /** Words, as people type them; undefined for whatever the rest lets through, the newest first. */
  readonly text: string | undefined;
  readonly kinds: readonly KnowledgeKind[];
  readonly featureSlugs: readonly Slug[] | undefined;
  /** An email. Specs have no author. */
  readonly author: string | undefined;
  readonly since: Date | undefined;
}

/** Finds are ordered by rank, then time, then id, the greatest first. */
export interface FoundKey {
  readonly rank: number;
  readonly createTime: Date;
  readonly id: string;
}

/** One find. */
export interface Found extends FoundKey {
  readonly kind: KnowledgeKind;
  readonly featureSlug: Slug | undefined;
  readonly title: string;
  /** The part that matched, with `**` around the words that did. */
  readonly highlight: string;
}

/** A feature and what it touches. */
export interface TouchingFeature {
  readonly slug: Slug;
  readonly touches: readonly Touch[];
}

/** Finds knowledge of every kind. */
export interface KnowledgeIndex {
  /** Any text is a valid query. */
  search(projectId: ProjectId, query: KnowledgeQuery, page: PageRequest<FoundKey>): Promise<Page<Found, FoundKey>>;

  /** What features touch, of whatever status, the latest first. */
  listTouching(projectId: ProjectId, limit: number): Promise<TouchingFeature[]>;

  /** The same of those that have learnings or decisions in force. */
  listTouchingKnown(projectId: ProjectId, limit: number): Promise<TouchingFeature[]>;
}
