import type { Caller } from "../caller.ts";
import type { AcquireOutcome, BlockedTouch, LiveClaim } from "../claims/claim-store.ts";
import { compileTouches } from "../claims/compile-touches.ts";
import { ClaimsRecoveringError, NexusError, TouchTooBroadError } from "../errors.ts";
import type { ClaimId, ProjectId, SessionId, Slug } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import type { ClaimedProject } from "../recovery/claim-access.ts";
import { expireSession } from "../recovery/expire-session.ts";
import { settleClaim } from "../recovery/settle-claim.ts";
import { renewSession } from "../sessions/renew-session.ts";
import { requireOpenSession, sessionExpired } from "../sessions/require-session.ts";
import type { Session } from "../sessions/session.ts";
import { commitPick, type PickRecord } from "./commit-pick.ts";
import { conflictOf } from "./conflict.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature, FeatureView } from "./feature.ts";
import {
  DependenciesUnmetError,
  FeatureAlreadyHeldError,
  FencingTokenStaleError,
  SessionBusyError,
  StatusTransitionInvalidError,
} from "./feature-errors.ts";
import { holdersOf, holderUntil } from "./holders.ts";
import { requireFeature } from "./require-feature.ts";

/** How often a pick starts again when something changed under it. */
const MAX_ATTEMPTS = 8;
/**
 * How often it waits for an unfinished attempt of the same session, doubling from 50 ms: for 750 ms in all. That is
 * long for a commit, and short for somebody who repeats a call because the first server died.
 */
const MAX_WAITS = 4;
const FIRST_WAIT_MS = 50;

/** What a pick answers. */
export interface PickedFeature {
  readonly view: FeatureView;
  readonly claimId: ClaimId;
  readonly fencingToken: bigint;
  readonly acquireTime: Date;
  readonly expireTime: Date;
}

interface Asked {
  readonly projectId: ProjectId;
  readonly slug: Slug;
  readonly sessionId: SessionId;
}

/**
 * Takes a ready feature for a session with every file it touches, or nothing: the protocol of CLAIMS section 4. P0 is
 * here, P1 is the claim store's, P2 is `commitPick`, P3 is `confirmPick`.
 *
 * A repetition under the same request id, or a pick of what the session holds already, answers the same claim.
 *
 * @throws ClaimConflictError, FeatureAlreadyHeldError, SessionBusyError, SessionExpiredError,
 *   StatusTransitionInvalidError, DependenciesUnmetError, LimitExceededError, TouchTooBroadError
 * @throws ClaimsRecoveringError when too much changed under it; nothing was claimed
 */
export async function pickFeature(deps: FeatureDeps, caller: Caller, asked: Asked): Promise<PickedFeature> {
  const { project } = await requireMember(deps.database.read, asked.projectId, caller.engineerId);
  const earlier = await deps.database.recorded<PickRecord>(caller.request);
  if (earlier !== undefined) {
    await renewSession(deps, project, asked.sessionId);
    return confirmPick(deps, project, asked, earlier.claimId);
  }

  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const picked = await attemptPick(deps, caller, project, asked, attempt);
      if (picked !== undefined) return picked;
    }
  } catch (refusal) {
    // The same request may have been granted meanwhile through another server: then that is the answer.
    const record = await deps.database.recorded<PickRecord>(caller.request);
    if (record !== undefined) return confirmPick(deps, project, asked, record.claimId);
    // A grant and a conflict renew the lease in the step that decides them; other refusals never get that far.
    if (refusal instanceof NexusError) await renewSession(deps, project, asked.sessionId);
    throw refusal;
  }
  throw new ClaimsRecoveringError();
}

/** One run from P0 to P3; undefined when something changed under it and it should start again. */
async function attemptPick(
  deps: FeatureDeps,
  caller: Caller,
  project: Project,
  asked: Asked,
  attempt: number,
): Promise<PickedFeature | undefined> {
  const { read } = deps.database;
  const [session, feature, busyWith] = await Promise.all([
    requireOpenSession(read, asked.projectId, asked.sessionId, caller.engineerId),
    requireFeature(read, asked.projectId, asked.slug),
    read.features.activeOfSession(asked.sessionId),
  ]);
  if (busyWith !== undefined) {
    if (busyWith.id !== feature.id) throw new SessionBusyError(busyWith.slug);
    if (busyWith.hold !== undefined) {
      await renewSession(deps, project, session.id);
      return confirmPick(deps, project, asked, busyWith.hold.claimId);
    }
  }
  if (feature.status !== "ready" && feature.status !== "active") {
    throw new StatusTransitionInvalidError(feature.slug, feature.status, "active");
  }
  if (feature.dependsOn.length > 0) {
    const unmet = await read.features.unmet(feature.id);
    if (unmet.length > 0) throw new DependenciesUnmetError(feature.slug, unmet, "pick");
  }

  const claimId = deps.newId() as ClaimId;
  const { outcome, epoch } = await acquire(deps, project, session, feature, claimId);
  switch (outcome.kind) {
    case "granted": {
      const record = await commitPick(deps, caller, { project, epoch, session, feature, claimId, granted: outcome });
      return record === undefined ? undefined : confirmPick(deps, project, asked, record.claimId);
    }
    case "conflict":
      if (await clearAway(deps, { id: project.id, epoch }, outcome.blocked, session, attempt)) return undefined;
      throw await conflictOf(deps, project, feature, outcome.blocked);
    case "feature-held":
      if (await clearAway(deps, { id: project.id, epoch }, [outcome], session, attempt)) return undefined;
      throw await alreadyHeld(deps, outcome.claim);
    case "session-expired":
      await expireSession(deps, { id: project.id, epoch }, session.id);
      return undefined;
    case "too-broad":
      throw new TouchTooBroadError(feature.touches[outcome.touch]?.path ?? "");
  }
}

function acquire(deps: FeatureDeps, project: Project, session: Session, feature: Feature, claimId: ClaimId) {
  const touches = compileTouches(feature.touches, project.settings.caseSensitive);
  return deps.claims.run<AcquireOutcome>(project, (store, scope) =>
    store.acquire(scope, {
      claimId,
      featureId: feature.id,
      sessionId: session.id,
      ttlMs: project.settings.sessionTtlMs,
      touches,
    }),
  );
}

/**
 * Clears away what only seems to stand in the way: holders whose lease has lapsed, and attempts that nobody finished.
 * An attempt of the session's own may be the same call on its way through another server, so it is waited for first.
 * Answers whether it is worth trying again.
 */
async function clearAway(
  deps: FeatureDeps,
  project: ClaimedProject,
  hits: readonly Pick<BlockedTouch, "claim">[],
  session: Session,
  attempt: number,
): Promise<boolean> {
  const lapsed = new Set<SessionId>();
  const unfinished = new Set<ClaimId>();
  let wait = false;
  for (const { claim } of hits) {
    const own = claim.state === "provisional" && claim.sessionId === session.id;
    if (claim.sessionExpired) lapsed.add(claim.sessionId);
    else if (claim.overdue || (own && attempt >= MAX_WAITS)) unfinished.add(claim.claimId);
    else if (own) wait = true;
  }
  for (const sessionId of lapsed) await expireSession(deps, project, sessionId);
  for (const claimId of unfinished) await settleClaim(deps, project, claimId);
  if (wait) await deps.pause(FIRST_WAIT_MS * 2 ** attempt);
  return wait || lapsed.size + unfinished.size > 0;
}

async function alreadyHeld(deps: FeatureDeps, claim: LiveClaim): Promise<NexusError> {
  const holders = await holdersOf(deps.database.read, [claim]);
  const holder = holders.get(claim);
  return holder === undefined ? new ClaimsRecoveringError() : new FeatureAlreadyHeldError(holder);
}

/** P3 and P4: makes sure that the committed claim stands, then answers it, or how it ended. */
async function confirmPick(
  deps: FeatureDeps,
  project: Project,
  asked: Asked,
  claimId: ClaimId,
): Promise<PickedFeature> {
  const { outcome, epoch } = await deps.claims.run(project, (store, scope) => store.confirm(scope, claimId));
  if (outcome.kind === "confirmed") {
    const feature = await requireFeature(deps.database.read, project.id, asked.slug);
    // Released, and perhaps picked again, in between: that is another claim's answer.
    if (feature.hold?.claimId !== claimId) throw await endOfClaim(deps, { id: project.id, epoch }, asked, claimId);
    const { fencingToken, acquireTime, expireTime } = outcome.claim;
    const holder = holderUntil(feature, expireTime);
    return { view: { feature, holder }, claimId, fencingToken, acquireTime, expireTime };
  }
  if (outcome.kind === "session-expired") await expireSession(deps, { id: project.id, epoch }, asked.sessionId);
  throw await endOfClaim(deps, { id: project.id, epoch }, asked, claimId);
}

/** How a claim that was committed ended. */
async function endOfClaim(
  deps: FeatureDeps,
  project: ClaimedProject,
  asked: Asked,
  claimId: ClaimId,
): Promise<NexusError> {
  const { read } = deps.database;
  const session = await read.sessions.get(project.id, asked.sessionId);
  if (session !== undefined && session.state !== "open") return sessionExpired(read, session);
  const record = await read.claims.get(claimId);
  if (record?.state === "held") {
    deps.alarm("a claim is gone while its session, record and epoch stand", { claimId, epoch: project.epoch });
    await deps.claims.rebuild(project.id, project.epoch, "always");
    return new ClaimsRecoveringError();
  }
  const feature = await requireFeature(read, project.id, asked.slug);
  return new FencingTokenStaleError(feature.slug, feature.status);
}
