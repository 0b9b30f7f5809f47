import type { Caller } from "../caller.ts";
import type { Stores } from "../database.ts";
import { eventCursorOf } from "../events/read-events.ts";
import { claimedTouches, heldNow } from "../features/blockers.ts";
import type { FeatureDeps } from "../features/deps.ts";
import type { Feature, FeatureView, Lane } from "../features/feature.ts";
import { viewFeatures } from "../features/holders.ts";
import { unmetAmong } from "../features/unmet-dependencies.ts";
import type { FeatureId, ProjectId, Slug } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";

/** Features of one lane that are answered at most. */
export const MAX_LANE = 1_000;
/** Features that hold the files of one feature, as far as they are named. */
const MAX_HOLDING = 5;
/** Holds that are looked at for them. */
const MAX_HOLDS = 64;

/** A feature on the roadmap. */
export interface RoadmapEntry {
  /** Without its spec. */
  readonly view: FeatureView;
  /** Dependencies that are not done, then features that hold its files. */
  readonly blockedBy: readonly Slug[];
}

/** The features of one lane, in order. */
export interface RoadmapLane {
  readonly lane: Lane;
  readonly entries: readonly RoadmapEntry[];
  readonly omitted: number;
}

/** The roadmap, the etag of its order, and the project's last event when it was read. */
export interface Roadmap {
  readonly lanes: readonly RoadmapLane[];
  readonly etag: string;
  readonly eventCursor: bigint;
}

/** What a roadmap is asked for. */
interface Asked {
  readonly projectId: ProjectId;
  readonly lanes: readonly Lane[];
  /** Done and cancelled ones as well. */
  readonly closed: boolean;
  /** At most so many of each lane. */
  readonly limit: number;
}

/** The lanes asked for, each with its features in order and what keeps them from being picked. */
export async function getRoadmap(deps: FeatureDeps, caller: Caller, asked: Asked): Promise<Roadmap> {
  const { project } = await requireMember(deps.database.read, asked.projectId, caller.engineerId);
  const { version, eventCursor, dependencies, lanes } = await readAtOnce(deps, asked);
  const features = lanes
    .flatMap((lane) => lane.features)
    .map((feature) => ({ ...feature, dependsOn: (dependencies.get(feature.id) ?? []).map(({ slug }) => slug) }));
  const [views, blockedBy] = await Promise.all([
    viewFeatures(deps.claims, project, features),
    blockersOf(deps, project, features, unmetAmong(dependencies)),
  ]);
  const entries = views.map((view) => ({ view, blockedBy: blockedBy.get(view.feature.id) ?? [] }));
  let from = 0;
  return {
    lanes: lanes.map(({ lane, features: { length }, omitted }) => {
      from += length;
      return { lane, entries: entries.slice(from - length, from), omitted };
    }),
    etag: String(version),
    eventCursor,
  };
}

/**
 * The features of each lane, the version of that very order, and the event that they are as of. Where anything happens
 * while they are read, a feature might stand in two lanes, or in none: then they are read again, in a snapshot, which keeps
 * one connection for longer.
 */
async function readAtOnce({ database }: FeatureDeps, asked: Asked) {
  const first = await readLanes(database.read, asked);
  const unchanged = first.eventCursor === (await eventCursorOf(database.read, asked.projectId));
  return unchanged ? first : database.snapshot((then) => readLanes(then, asked));
}

async function readLanes(read: Stores, { projectId, lanes, closed, limit }: Asked) {
  const { roadmap } = read;
  const eventCursor = await eventCursorOf(read, projectId);
  const version = await roadmap.version(projectId);
  const [dependencies, ...found] = await Promise.all([
    roadmap.dependencies(projectId, closed),
    ...lanes.map(async (lane) => {
      const features = await roadmap.list(projectId, lane, closed, limit);
      const count = features.length < limit ? features.length : await roadmap.count(projectId, lane, closed);
      return { lane, features, omitted: Math.max(0, count - features.length) };
    }),
  ]);
  return { version, eventCursor, dependencies, lanes: found };
}

/** What keeps each feature that is not at work yet from being picked. */
async function blockersOf(
  deps: FeatureDeps,
  project: Project,
  features: readonly Feature[],
  unmet: ReadonlyMap<FeatureId, readonly Slug[]>,
): Promise<Map<FeatureId, Slug[]>> {
  const { read } = deps.database;
  const waiting = features.filter(({ status }) => status === "draft" || status === "ready");
  const held = await heldNow(deps.claims, project);
  const holding = new Map<FeatureId, FeatureId[]>();
  for (const feature of waiting) {
    const hits = held.blocking(claimedTouches(project, feature), MAX_HOLDS) ?? [];
    const others = new Set(hits.map((hit) => hit.claim.featureId).filter((id) => id !== feature.id));
    holding.set(feature.id, [...others].slice(0, MAX_HOLDING));
  }
  const slugs = new Map(features.map((feature) => [feature.id, feature.slug]));
  const unknown = [...new Set([...holding.values()].flat())].filter((id) => !slugs.has(id));
  for (const feature of await read.features.getMany(unknown)) slugs.set(feature.id, feature.slug);
  return new Map(
    waiting.map(({ id }) => {
      const holders = (holding.get(id) ?? []).flatMap((other) => slugs.get(other) ?? []);
      return [id, [...new Set([...(unmet.get(id) ?? []), ...holders])]];
    }),
  );
}
