import type { Caller } from "../caller.ts";
import type { ListedClaim } from "../claims/claim-store.ts";
import { HeldTouches } from "../claims/held-touches.ts";
import type { Database } from "../database.ts";
import { ClaimsRecoveringError, StoreUnavailableError } from "../errors.ts";
import { eventCursorOf } from "../events/read-events.ts";
import { claimedTouches } from "../features/blockers.ts";
import type { Feature, Holder } from "../features/feature.ts";
import type { FeatureCounts, FeatureOutline } from "../features/feature-store.ts";
import { holdersOf } from "../features/holders.ts";
import { unmetAmong } from "../features/unmet-dependencies.ts";
import type { FeatureId, ProjectId, Slug } from "../ids.ts";
import type { ClaimAccess } from "../recovery/claim-access.ts";
import type { Session, SessionView } from "../sessions/session.ts";
import { viewSessions } from "../sessions/use-session.ts";
import { type HotPath, hottestPaths } from "./hottest-paths.ts";
import type { Project } from "./project.ts";
import { requireMember } from "./require-member.ts";

/** What a status shows at most. */
const MAX_INTERRUPTED = 50;
const MAX_SESSIONS = 200;
const MAX_BLOCKED = 50;
const MAX_HOLDERS = 5;
/** Holds that are looked at for the holders of one feature's files. */
const MAX_HOLDS = 64;
/** Open features that are looked at, by lane and position. */
const MAX_OPEN = 2_000;

/** A live session and what it holds. */
export interface ActiveSession {
  readonly view: SessionView;
  readonly claims: readonly ListedClaim[];
}

/** A feature that is ready and can't be picked now. */
export interface WaitingFeature {
  readonly feature: FeatureOutline;
  readonly heldBy: readonly Holder[];
  readonly unmet: readonly Slug[];
}

/** How a store is. */
export type StoreState = "ok" | "unavailable" | "recovering";

/** A project at a glance. */
export interface ProjectStatus {
  readonly project: Project;
  readonly counts: FeatureCounts;
  /** The longest open first. */
  readonly sessions: readonly ActiveSession[];
  readonly sessionsOmitted: number;
  /** Without their specs. */
  readonly interrupted: readonly Feature[];
  /** By lane and position. */
  readonly blocked: readonly WaitingFeature[];
  /** How many are blocked in all. */
  readonly blockedCount: number;
  readonly hottestPaths: readonly HotPath[];
  /** The claim that is held longest. */
  readonly oldest: { readonly claim: ListedClaim; readonly holder: Holder | undefined } | undefined;
  /** The names of the features that are held. */
  readonly slugs: ReadonlyMap<FeatureId, Slug>;
  readonly stores: { readonly postgres: StoreState; readonly claims: StoreState };
  /** The last event when features and sessions were read. */
  readonly eventCursor: bigint;
}

interface Deps {
  readonly database: Database;
  readonly claims: ClaimAccess;
}

/**
 * Features by status and lane, live sessions and what they hold, what broke off, what waits for whom, where it is hot,
 * and how the stores are. While the claim store is away that is said, and what it knows is left out.
 */
export async function getProjectStatus(deps: Deps, caller: Caller, projectId: ProjectId): Promise<ProjectStatus> {
  const { read } = deps.database;
  const { project } = await requireMember(read, projectId, caller.engineerId);
  const [{ counts, open, interrupted, outlines, dependencies, eventCursor }, { state, claims }] = await Promise.all([
    deps.database.snapshot(async (then) => ({
      counts: await then.features.count(projectId),
      open: await then.sessions.listAllOpen(projectId),
      interrupted: await then.features.listInterrupted(projectId, MAX_INTERRUPTED),
      outlines: await then.features.outlineOpen(projectId, MAX_OPEN),
      dependencies: await then.roadmap.dependencies(projectId, false),
      eventCursor: await eventCursorOf(then, projectId),
    })),
    claimsNow(deps, project),
  ]);
  const held = new HeldTouches(claims, project.settings.caseSensitive);
  const oldest = oldestOf(claims);
  const [views, waiting, features] = await Promise.all([
    viewsOf(deps, project, open.slice(0, MAX_SESSIONS), state),
    waitingAmong(deps, project, outlines, unmetAmong(dependencies), held),
    read.features.getMany([...new Set(claims.map((claim) => claim.featureId))]),
  ]);
  const slugs = new Map(features.map((feature) => [feature.id, feature.slug]));
  return {
    project,
    counts,
    sessions: views.map((view) => ({ view, claims: claims.filter((claim) => claim.sessionId === view.session.id) })),
    sessionsOmitted: Math.max(0, open.length - MAX_SESSIONS),
    interrupted,
    ...waiting,
    hottestPaths: hottestPaths(project, outlines, held, slugs),
    oldest: oldest && { claim: oldest, holder: (await holdersOf(read, [oldest])).get(oldest) },
    slugs,
    stores: { postgres: "ok", claims: state },
    eventCursor,
  };
}

/** What is held, as far as the claim store can be asked. */
async function claimsNow(
  { claims }: Deps,
  project: Project,
): Promise<{ readonly state: StoreState; readonly claims: readonly ListedClaim[] }> {
  try {
    const { outcome } = await claims.run(project, (store, scope) => store.list(scope));
    return { state: "ok", claims: outcome.claims };
  } catch (error) {
    if (error instanceof ClaimsRecoveringError) return { state: "recovering", claims: [] };
    if (error instanceof StoreUnavailableError && error.store === "claims") return { state: "unavailable", claims: [] };
    throw error;
  }
}

async function viewsOf(
  { claims }: Deps,
  project: Project,
  sessions: readonly Session[],
  state: StoreState,
): Promise<SessionView[]> {
  const withoutLeases = sessions.map((session) => ({ session, expireTime: undefined, lastHeartbeatTime: undefined }));
  if (state !== "ok") return withoutLeases;
  try {
    return await viewSessions(claims, project, sessions);
  } catch (error) {
    if (error instanceof ClaimsRecoveringError || error instanceof StoreUnavailableError) return withoutLeases;
    throw error;
  }
}

async function waitingAmong(
  { database: { read } }: Deps,
  project: Project,
  outlines: readonly FeatureOutline[],
  unmet: ReadonlyMap<FeatureId, readonly Slug[]>,
  held: HeldTouches,
): Promise<{ readonly blocked: readonly WaitingFeature[]; readonly blockedCount: number }> {
  const waiting = outlines.filter(
    (feature) =>
      feature.status === "ready" &&
      (unmet.has(feature.id) || held.isHeld(feature.id) || !held.isFree(claimedTouches(project, feature))),
  );
  // By whom is asked only of those that are shown, so that what is compared goes on telling who is blocked at all.
  const shown = waiting.slice(0, MAX_BLOCKED).map((feature) => {
    const hits = held.blocking(claimedTouches(project, feature), MAX_HOLDS) ?? [];
    return { feature, claims: [...new Set(hits.map((hit) => hit.claim))].slice(0, MAX_HOLDERS) };
  });
  const holders = await holdersOf(
    read,
    shown.flatMap(({ claims }) => claims),
  );
  return {
    blocked: shown.map(({ feature, claims }) => ({
      feature,
      heldBy: claims.flatMap((claim) => holders.get(claim) ?? []),
      unmet: unmet.get(feature.id) ?? [],
    })),
    blockedCount: waiting.length,
  };
}

function oldestOf(claims: readonly ListedClaim[]): ListedClaim | undefined {
  return claims
    .filter((claim) => claim.state === "held")
    .reduce<ListedClaim | undefined>((oldest, one) => {
      return oldest === undefined || one.acquireTime < oldest.acquireTime ? one : oldest;
    }, undefined);
}
