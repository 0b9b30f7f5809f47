import type { Database } from "../database.ts";
import type { Feature, Interruption } from "../features/feature.ts";
import type { Project } from "../projects/project.ts";
import type { Checkpoint } from "../sessions/checkpoint.ts";
import { featuresTouching } from "./features-touching.ts";
import type { Decision, Learning } from "./knowledge.ts";

/**
 * Characters of text in one briefing: about 6,000 tokens, a few per cent of what an agent can keep in mind, so that
 * being briefed never costs it the room to work. What does not fit is counted, and can be listed and searched.
 */
export const BRIEFING_CHARACTERS = 24_000;
/**
 * Of these the parts of the checkpoint may take so much: less than half together, so that half of what is left has room
 * for any one decision.
 */
const CHECKPOINT_CONTEXT = 7_500;
const CHECKPOINT_DATA = 2_000;
/** Of each of its lists of paths. */
const CHECKPOINT_PATHS = 1_000;
/** Of one field of a learning or decision: the gist stands at its beginning. */
const FIELD_CHARACTERS = 1_500;
/** Entries of each kind that are looked at; shorter ones than the budget allows would be odd. */
const MAX_ENTRIES = 50;
/** Features whose touches are compared, the latest first. */
const MAX_FEATURES = 1_000;

/** What a picker should know before it starts. */
export interface Briefing {
  /** The feature's own first, then those of features that share paths with it, then the project's; the newest first. */
  readonly learnings: readonly Learning[];
  /** Those in force, in the same order. */
  readonly decisions: readonly Decision[];
  readonly omittedLearnings: number;
  readonly omittedDecisions: number;
  readonly interruption: Interruption | undefined;
  /** The latest one of the feature, whoever saved it. */
  readonly checkpoint: Checkpoint | undefined;
  /** Parts of the checkpoint were cut or left out. */
  readonly checkpointCut: boolean;
}

/**
 * What to know before starting on a feature that was picked: how earlier work on it broke off and how far it had come,
 * the decisions in force and the learnings that concern it or its paths. Within BRIEFING_CHARACTERS.
 */
export async function briefFeature(
  { database: { read } }: { readonly database: Database },
  project: Pick<Project, "id" | "settings">,
  feature: Feature,
): Promise<Briefing> {
  const [latest, known] = await Promise.all([
    read.checkpoints.latest(project.id, { featureSlug: feature.slug }),
    read.knowledge.listTouchingKnown(project.id, MAX_FEATURES),
  ]);
  const others = known.filter(({ slug }) => slug !== feature.slug);
  const paths = feature.touches.map(({ path }) => path);
  const sharing = featuresTouching(paths, others, project.settings.caseSensitive);
  const concern = { featureSlug: feature.slug, sharing };
  const [decisions, learnings] = await Promise.all([
    read.decisions.listConcerning(project.id, concern, MAX_ENTRIES),
    read.learnings.listConcerning(project.id, concern, MAX_ENTRIES),
  ]);

  const checkpoint = latest && cutCheckpoint(latest);
  let left = BRIEFING_CHARACTERS - (checkpoint?.size ?? 0);
  const told = fitting(decisions.items.map(cutDecision), left / 2);
  left -= told.size;
  const learnt = fitting(learnings.items.map(cutLearning), left);
  return {
    decisions: told.entries,
    omittedDecisions: decisions.total - told.entries.length,
    learnings: learnt.entries,
    omittedLearnings: learnings.total - learnt.entries.length,
    interruption: feature.hold?.resumes ?? feature.interruption,
    checkpoint: checkpoint?.entry,
    checkpointCut: checkpoint?.cut ?? false,
  };
}

/** Something with the number of characters that telling it takes. */
interface Sized<Entry> {
  readonly entry: Entry;
  readonly size: number;
}

/** The first entries that fit in so many characters together. */
function fitting<Entry>(entries: readonly Sized<Entry>[], room: number): { entries: Entry[]; size: number } {
  let size = 0;
  const taken: Entry[] = [];
  for (const { entry, size: more } of entries) {
    if (size + more > room) break;
    size += more;
    taken.push(entry);
  }
  return { entries: taken, size };
}

function cutLearning(learning: Learning): Sized<Learning> {
  const text = cut(learning.text, FIELD_CHARACTERS);
  return { entry: { ...learning, text }, size: text.length };
}

function cutDecision(decision: Decision): Sized<Decision> {
  const entry = {
    ...decision,
    decision: cut(decision.decision, FIELD_CHARACTERS),
    rationale: cut(decision.rationale, FIELD_CHARACTERS),
    alternatives: cut(decision.alternatives, FIELD_CHARACTERS),
    consequences: cut(decision.consequences, FIELD_CHARACTERS),
  };
  const { title, rationale, alternatives, consequences } = entry;
  const size = [title, entry.decision, rationale, alternatives, consequences].join("").length;
  return { entry, size };
}

function cutCheckpoint(checkpoint: Checkpoint): Sized<Checkpoint> & { readonly cut: boolean } {
  const context = cut(checkpoint.context, CHECKPOINT_CONTEXT);
  const data = checkpoint.data.length > CHECKPOINT_DATA ? "" : checkpoint.data;
  const sizedPaths = (paths: readonly string[]) => fitting(paths.map(sized), CHECKPOINT_PATHS);
  const changed = sizedPaths(checkpoint.changedPaths);
  const heldPaths = sizedPaths(checkpoint.heldTouches.map(({ path }) => path));
  const heldTouches = checkpoint.heldTouches.slice(0, heldPaths.entries.length);
  return {
    entry: { ...checkpoint, context, data, changedPaths: changed.entries, heldTouches },
    size: context.length + data.length + changed.size + heldPaths.size,
    cut:
      context !== checkpoint.context ||
      data !== checkpoint.data ||
      changed.entries.length < checkpoint.changedPaths.length ||
      heldTouches.length < checkpoint.heldTouches.length,
  };
}

function sized(path: string): Sized<string> {
  return { entry: path, size: path.length };
}

/** The beginning of a text, with a mark that says how much is missing. At most `max` characters. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const room = max - 40;
  return `${text.slice(0, room).toWellFormed()}… [${text.length - room} characters more]`;
}
