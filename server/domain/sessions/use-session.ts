import type { Caller } from "../caller.ts";
import type { ListedClaim } from "../claims/claim-store.ts";
import type { Touch } from "../claims/touch.ts";
import type { Stores } from "../database.ts";
import { ResourceNotFoundError } from "../errors.ts";
import { eventCursorOf } from "../events/read-events.ts";
import { failpoint } from "../failpoint.ts";
import type { FeatureId, ProjectId, SessionId, Slug } from "../ids.ts";
import type { CursorPage, PageRequest } from "../page.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import type { ClaimAccess } from "../recovery/claim-access.ts";
import { endSession, expireSession } from "../recovery/expire-session.ts";
import type { SessionDeps } from "./deps.ts";
import { endedView, leaseUntil } from "./open-session.ts";
import { requireOpenSession, requireOwnSession, sessionExpired } from "./require-session.ts";
import type { Session, SessionView } from "./session.ts";
import type { SessionListKey } from "./session-store.ts";

/** A session whose claims end more often than this between two calls of the store is told what was seen last. */
const MAX_HEARTBEATS = 3;

interface Named {
  readonly projectId: ProjectId;
  readonly sessionId: SessionId;
}

/** A claim that a session believed to hold. */
export interface LostClaim {
  /** Undefined when the feature is deleted. */
  readonly featureSlug: Slug | undefined;
  readonly touches: readonly Touch[];
  readonly fencingToken: bigint;
  readonly endTime: Date;
}

/** What a sign of life is answered. */
export interface Heartbeat extends SessionView {
  /** Draining ones, too, which the session no longer holds. */
  readonly claims: readonly ListedClaim[];
  /** Of the features of these claims. */
  readonly slugs: ReadonlyMap<FeatureId, Slug>;
  readonly lost: readonly LostClaim[];
}

/**
 * A sign of life: renews the lease and answers what is held, and which of the claims that the session believes to hold
 * have ended. The lease and the claims are the claim store's; Postgres is asked for whose session it is, its TTL and the
 * names of features: two or three reads by key, cheaper than keeping them here and everywhere up to date.
 *
 * @param believed their tokens
 * @throws SessionExpiredError when it has ended; nothing revives it
 */
export async function heartbeatSession(
  deps: SessionDeps,
  caller: Caller,
  { projectId, sessionId }: Named,
  believed: readonly bigint[] = [],
): Promise<Heartbeat> {
  const { read } = deps.database;
  const { project } = await requireMember(read, projectId, caller.engineerId);
  const session = await requireOpenSession(read, projectId, sessionId, caller.engineerId);
  const { expireTime, claims } = await renewed(deps, project, sessionId);
  if (expireTime === undefined) {
    throw await sessionExpired(read, await requireOwnSession(read, projectId, sessionId, caller.engineerId));
  }
  const held = new Set(claims.flatMap((claim) => (claim.state === "draining" ? [] : [claim.fencingToken])));
  const missing = believed.filter((token) => !held.has(token));
  const lost = missing.length === 0 ? [] : await lostOf(deps, sessionId, missing);
  // Not the session's feature for all: one that was done or taken away may not be free yet when it holds the next.
  const slugs = await slugsOf(read, claims);
  return { session, ...leaseUntil(expireTime, project), claims, slugs, lost };
}

/** Renews the lease and reads what is held; a session whose lease is gone is expired, and its lease has no end. */
async function renewed(
  deps: SessionDeps,
  project: Project,
  sessionId: SessionId,
): Promise<{ readonly expireTime: Date | undefined; readonly claims: readonly ListedClaim[] }> {
  for (let attempt = 1; ; attempt++) {
    const { outcome, epoch } = await deps.claims.run(project, (store, scope) =>
      store.heartbeat(scope, sessionId, project.settings.sessionTtlMs),
    );
    await failpoint("heartbeat.after-lease");
    if (outcome.kind === "session-expired") {
      await expireSession(deps, { ...project, epoch }, sessionId);
      return { expireTime: undefined, claims: [] };
    }
    const claims = outcome.claims.length === 0 ? [] : await claimsOf(deps.claims, project, sessionId);
    // What ended between the two may have ended with its session, which then must not be told to be alive with less.
    const unchanged = outcome.claims.every(({ claimId }) => claims.some((claim) => claim.claimId === claimId));
    if (unchanged || attempt === MAX_HEARTBEATS) return { expireTime: outcome.expireTime, claims };
  }
}

async function lostOf(deps: SessionDeps, sessionId: SessionId, tokens: readonly bigint[]): Promise<LostClaim[]> {
  const { read } = deps.database;
  const records = await read.claims.listEndedOfSession(sessionId, tokens);
  const slugs = await slugsOf(read, records);
  return records.map(({ featureId, touches, fencingToken, endTime }) => {
    return { featureSlug: slugs.get(featureId), touches, fencingToken, endTime };
  });
}

/** The slugs of these claims' features; those that are gone are left out. */
export async function slugsOf(
  { features }: Pick<Stores, "features">,
  claims: readonly { readonly featureId: FeatureId }[],
): Promise<ReadonlyMap<FeatureId, Slug>> {
  const found = await features.getMany([...new Set(claims.map((claim) => claim.featureId))]);
  return new Map(found.map((feature) => [feature.id, feature.slug]));
}

/** The live claims of a session. */
async function claimsOf(claims: ClaimAccess, project: Project, sessionId: SessionId): Promise<readonly ListedClaim[]> {
  const { outcome } = await claims.run(project, (store, scope) => store.list(scope, sessionId));
  return outcome.claims;
}

/**
 * Ends the caller's own session. What it held is free at once, and its feature ready again: with an interruption when
 * it crashed. Closing an ended session changes nothing.
 */
export async function closeSession(
  deps: SessionDeps,
  caller: Caller,
  { projectId, sessionId }: Named,
  crashed: boolean,
): Promise<SessionView> {
  const { read } = deps.database;
  const { project } = await requireMember(read, projectId, caller.engineerId);
  await requireOwnSession(read, projectId, sessionId, caller.engineerId);
  await endSession(deps, project, sessionId, { state: "closed", cause: crashed ? "session-crashed" : undefined });
  return endedView(await requireOwnSession(read, projectId, sessionId, caller.engineerId));
}

/** One session of a project, whoever's, ended or not. */
export async function getSession(
  deps: SessionDeps,
  caller: Caller,
  { projectId, sessionId }: Named,
): Promise<SessionView> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  const session = await deps.database.read.sessions.get(projectId, sessionId);
  if (session === undefined) throw new ResourceNotFoundError("session", sessionId);
  const [view] = await viewSessions(deps.claims, project, [session]);
  return view ?? endedView(session);
}

/** The open sessions of a project, the longest open first. */
export async function listActiveSessions(
  deps: SessionDeps,
  caller: Caller,
  projectId: ProjectId,
  page: PageRequest<SessionListKey>,
): Promise<CursorPage<SessionView, SessionListKey>> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  const { items, next, eventCursor } = await deps.database.snapshot(async (read) => ({
    ...(await read.sessions.listOpen(projectId, page)),
    eventCursor: await eventCursorOf(read, projectId),
  }));
  return { items: await viewSessions(deps.claims, project, items), next, eventCursor };
}

/** Sessions with their leases. */
export async function viewSessions(
  claims: ClaimAccess,
  project: Project,
  sessions: readonly Session[],
): Promise<SessionView[]> {
  if (sessions.every((s) => s.state !== "open")) return sessions.map(endedView);
  const { outcome } = await claims.run(project, (store, scope) => store.listLeases(scope));
  const leases = new Map(outcome.leases.map((lease) => [lease.sessionId, lease.expireTime]));
  return sessions.map((session) => {
    const expireTime = leases.get(session.id);
    return session.state !== "open" || expireTime === undefined
      ? endedView(session)
      : { session, ...leaseUntil(expireTime, project) };
  });
}
