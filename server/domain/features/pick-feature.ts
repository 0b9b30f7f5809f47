import type { Caller } from "../caller.ts";
import type { ClaimRecord } from "../claims/claim-record.ts";
import type { AcquireOutcome, LiveClaim } from "../claims/claim-store.ts";
import { compileTouches } from "../claims/compile-touches.ts";
import { effectiveTouches } from "../claims/effective-touches.ts";
import type { Touch } from "../claims/touch.ts";
import { ClaimsRecoveringError, NexusError, ResourceNotFoundError, TouchTooBroadError } from "../errors.ts";
import { failpoint } from "../failpoint.ts";
import type { ClaimId, ProjectId, SessionId, Slug } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import type { ClaimedProject } from "../recovery/claim-access.ts";
import { expireSession } from "../recovery/expire-session.ts";
import { renewSession } from "../sessions/renew-session.ts";
import { requireOpenSession, sessionExpired } from "../sessions/require-session.ts";
import type { Session } from "../sessions/session.ts";
import { clearAway } from "./clear-away.ts";
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

/** What a pick answers. */
export interface PickedFeature {
  readonly project: Project;
  readonly view: FeatureView;
  readonly claimId: ClaimId;
  readonly fencingToken: bigint;
  /** With the modes that hold. */
  readonly touches: readonly Touch[];
  readonly acquireTime: Date;
  readonly expireTime: Date;
}

interface Asked {
  readonly projectId: ProjectId;
  readonly slug: Slug;
  readonly sessionId: SessionId;
  /** The token of the hold that is taken over from another session of the same engineer. */
  readonly takeOver?: bigint | undefined;
  /** The server chose it, and chooses another when it is refused: the refusal need not say what is free instead. */
  readonly chosen?: boolean;
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
  const earlier = await repeatedPick(deps, caller, project, asked.sessionId);
  return earlier ?? pickInProject(deps, caller, project, asked);
}

/** The same for a caller who is known to be a member and whose request is none that was granted before. */
export async function pickInProject(
  deps: FeatureDeps,
  caller: Caller,
  project: Project,
  asked: Asked,
): Promise<PickedFeature> {
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const picked = await attemptPick(deps, caller, project, asked, attempt);
      if (picked !== undefined) return picked;
    }
  } catch (refusal) {
    // The same request may have been granted meanwhile through another server: then that is the answer.
    const record = await deps.database.recorded<PickRecord>(caller.request);
    if (record !== undefined) return confirmPick(deps, project, asked.sessionId, record.claimId);
    // A grant and a conflict renew the lease in the step that decides them; other refusals never get that far.
    if (refusal instanceof NexusError) await renewSession(deps, project, asked.sessionId);
    throw refusal;
  }
  throw new ClaimsRecoveringError();
}

/**
 * The pick that was made under the caller's request id before, as its claim is now; undefined when there was none.
 *
 * @throws how the claim has ended
 */
export async function repeatedPick(
  deps: FeatureDeps,
  caller: Caller,
  project: Project,
  sessionId: SessionId,
): Promise<PickedFeature | undefined> {
  const earlier = await deps.database.recorded<PickRecord>(caller.request);
  if (earlier === undefined) return undefined;
  await renewSession(deps, project, sessionId);
  return confirmPick(deps, project, sessionId, earlier.claimId);
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
  const [session, feature] = await Promise.all([
    requireOpenSession(read, asked.projectId, asked.sessionId, caller.engineerId),
    requireFeature(read, asked.projectId, asked.slug),
  ]);
  if (feature.hold?.sessionId === session.id) {
    await renewSession(deps, project, session.id);
    return confirmPick(deps, project, session.id, feature.hold.claimId);
  }
  const busyWith = session.featureSlug;
  if (busyWith !== undefined && busyWith !== feature.slug) throw new SessionBusyError(busyWith);
  if (feature.status !== "ready" && feature.status !== "active") {
    throw new StatusTransitionInvalidError(feature.slug, feature.status, "active");
  }
  if (feature.dependsOn.length > 0) {
    const unmet = await read.features.unmet(feature.id);
    if (unmet.length > 0) throw new DependenciesUnmetError(feature.slug, unmet, "pick");
  }

  const replaces =
    asked.takeOver === undefined ? undefined : await replacedClaims(deps, caller, feature, asked.takeOver);
  const touches = effectiveTouches(feature.touches, project.settings);
  const claimId = deps.newId() as ClaimId;
  await failpoint("pick.before-claim");
  const { outcome, epoch } = await acquire(deps, project, session, feature, { claimId, touches, replaces });
  switch (outcome.kind) {
    case "granted": {
      await failpoint("pick.after-claim");
      const pick = { project, epoch, session, feature, claimId, touches, replaces, granted: outcome };
      const record = await commitPick(deps, caller, pick);
      return record === undefined ? undefined : confirmPick(deps, project, session.id, record.claimId);
    }
    case "conflict":
      if (await clearAway(deps, { ...project, epoch }, outcome.blocked, session.id, attempt)) return undefined;
      throw await conflictOf(deps, project, touches, outcome.blocked, asked.chosen ? undefined : feature);
    case "feature-held":
      if (await clearAway(deps, { ...project, epoch }, [outcome], session.id, attempt)) return undefined;
      throw await alreadyHeld(deps, outcome.claim);
    case "session-expired":
      await expireSession(deps, { ...project, epoch }, session.id);
      return undefined;
    case "too-broad":
      throw new TouchTooBroadError(feature.touches[outcome.touch]?.path ?? "");
  }
}

/**
 * The claims that a take-over replaces: all that the caller's own former session holds the feature by.
 *
 * @throws FencingTokenStaleError when it is not held under that token
 */
async function replacedClaims(
  deps: FeatureDeps,
  caller: Caller,
  feature: Feature,
  takeOver: bigint,
): Promise<readonly ClaimId[] | undefined> {
  const { hold } = feature;
  // It expired meanwhile: then this is a pick like any other.
  if (feature.status === "ready") return undefined;
  if (hold === undefined || hold.fencingToken !== takeOver)
    throw new FencingTokenStaleError(feature.slug, feature.status);
  // Somebody else's is simply held: the claim store will say so.
  if (hold.engineerId !== caller.engineerId) return undefined;
  const held = await deps.database.read.claims.listHeldOfFeature(feature.id);
  return held.map((claim) => claim.id);
}

function acquire(
  deps: FeatureDeps,
  project: Project,
  session: Session,
  feature: Feature,
  {
    claimId,
    touches,
    replaces,
  }: {
    readonly claimId: ClaimId;
    readonly touches: readonly Touch[];
    readonly replaces: readonly ClaimId[] | undefined;
  },
) {
  return deps.claims.run<AcquireOutcome>(project, (store, scope) =>
    store.acquire(scope, {
      claimId,
      featureId: feature.id,
      sessionId: session.id,
      ttlMs: project.settings.sessionTtlMs,
      touches: compileTouches(touches, project.settings.caseSensitive),
      ...(replaces === undefined ? {} : { replaces }),
    }),
  );
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
  sessionId: SessionId,
  claimId: ClaimId,
): Promise<PickedFeature> {
  const { read } = deps.database;
  const record = await read.claims.get(claimId);
  // Records go only with their project.
  if (record === undefined) throw new ResourceNotFoundError("project", project.id);
  const { replaces } = record;
  await failpoint("pick.before-confirm");
  const { outcome, epoch } = await deps.claims.run(project, (store, scope) => store.confirm(scope, claimId, replaces));
  if (outcome.kind === "confirmed") {
    await failpoint("pick.after-confirm");
    await read.claims.markEnded(replaces);
    await failpoint("pick.before-answer");
    const feature = await pickedFeature(deps, record);
    // Released, and perhaps picked again, in between: that is another claim's answer.
    if (feature.hold?.claimId !== claimId) throw await endOfClaim(deps, { id: project.id, epoch }, sessionId, claimId);
    const { fencingToken, acquireTime, expireTime } = outcome.claim;
    const holder = holderUntil(feature, expireTime);
    return {
      project,
      view: { feature, holder },
      claimId,
      touches: record.touches,
      fencingToken,
      acquireTime,
      expireTime,
    };
  }
  if (outcome.kind === "session-expired") await expireSession(deps, { ...project, epoch }, sessionId);
  throw await endOfClaim(deps, { id: project.id, epoch }, sessionId, claimId);
}

/** The feature that a claim was for. A repetition may come by another way than its slug: PickNextFeature. */
async function pickedFeature(deps: FeatureDeps, { featureId }: Pick<ClaimRecord, "featureId">): Promise<Feature> {
  const [feature] = await deps.database.read.features.getMany([featureId]);
  if (feature === undefined) throw new ResourceNotFoundError("feature", featureId);
  return feature;
}

/** How a claim that was committed ended. */
async function endOfClaim(
  deps: FeatureDeps,
  project: ClaimedProject,
  sessionId: SessionId,
  claimId: ClaimId,
): Promise<NexusError> {
  const { read } = deps.database;
  const session = await read.sessions.get(project.id, sessionId);
  if (session !== undefined && session.state !== "open") return sessionExpired(read, session);
  const record = await read.claims.get(claimId);
  if (record === undefined) throw new ResourceNotFoundError("project", project.id);
  if (record.state === "held") {
    deps.alarm("a claim is gone while its session, record and epoch stand", { claimId, epoch: project.epoch });
    await deps.claims.rebuild(project.id, project.epoch, "always");
    return new ClaimsRecoveringError();
  }
  const feature = await pickedFeature(deps, record);
  return new FencingTokenStaleError(feature.slug, feature.status);
}
