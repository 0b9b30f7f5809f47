import type { Caller } from "../caller.ts";
import { type ExtendOutcome, MAX_TOUCHES_PER_CLAIM } from "../claims/claim-store.ts";
import { checkAlternatives, compileTouches } from "../claims/compile-touches.ts";
import { effectiveTouches } from "../claims/effective-touches.ts";
import type { Touch } from "../claims/touch.ts";
import { ClaimsRecoveringError, LimitExceededError, TouchTooBroadError } from "../errors.ts";
import { by } from "../events/event.ts";
import { failpoint } from "../failpoint.ts";
import type { ClaimId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import type { ClaimedProject } from "../recovery/claim-access.ts";
import { expireSession } from "../recovery/expire-session.ts";
import { settleClaim } from "../recovery/settle-claim.ts";
import { renewSession } from "../sessions/renew-session.ts";
import { clearAway } from "./clear-away.ts";
import { conflictOf } from "./conflict.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import { claimEvent } from "./feature-event.ts";
import { type NamedHold, NotHeld, projectOfHold, whyNotHeld } from "./held-feature.ts";
import { requireFeature } from "./require-feature.ts";

const MAX_ATTEMPTS = 8;
/** Claims that a feature may be held by: that of its pick and its extensions. */
const MAX_CLAIMS = 64;

/** A claim as its holder is told of it. */
export interface GrantedClaim {
  readonly claimId: ClaimId;
  readonly touches: readonly Touch[];
  readonly fencingToken: bigint;
  readonly acquireTime: Date;
  readonly expireTime: Date;
}

interface ExtendRecord {
  readonly claimId: ClaimId;
}

/**
 * Claims more touches for a feature that the session holds, or none of them: a claim of its own, with its own token,
 * which lives no longer than that of the pick. Refused at once when somebody holds one of them, so nothing deadlocks.
 *
 * @throws ClaimConflictError, FencingTokenStaleError, SessionExpiredError, LimitExceededError, TouchTooBroadError
 */
export async function extendClaim(
  deps: FeatureDeps,
  caller: Caller,
  hold: NamedHold,
  asked: readonly Touch[],
): Promise<GrantedClaim> {
  const project = await projectOfHold(deps, caller, hold);
  const earlier = await deps.database.recorded<ExtendRecord>(caller.request);
  if (earlier !== undefined) {
    await renewSession(deps, project, hold.sessionId);
    return confirmExtension(deps, project, hold, earlier.claimId);
  }
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const granted = await attemptExtension(deps, caller, project, hold, asked, attempt);
      if (granted !== undefined) return granted;
    }
  } catch (refusal) {
    const record = await deps.database.recorded<ExtendRecord>(caller.request);
    if (record !== undefined) return confirmExtension(deps, project, hold, record.claimId);
    throw refusal;
  }
  throw new ClaimsRecoveringError();
}

async function attemptExtension(
  deps: FeatureDeps,
  caller: Caller,
  project: Project,
  hold: NamedHold,
  asked: readonly Touch[],
  attempt: number,
): Promise<GrantedClaim | undefined> {
  const { read } = deps.database;
  const feature = await requireFeature(read, project.id, hold.slug);
  if (!isHeldLikeThat(feature, hold)) throw await whyNotHeld(deps, hold);
  checkSize(unionOf(feature.touches, asked));
  const touches = effectiveTouches(asked, project.settings);
  const claimId = deps.newId() as ClaimId;
  await failpoint("extend.before-claim");
  const { outcome, epoch } = await deps.claims.run<ExtendOutcome>(project, (store, scope) =>
    store.acquire(scope, {
      claimId,
      featureId: feature.id,
      sessionId: hold.sessionId,
      ttlMs: project.settings.sessionTtlMs,
      touches: compileTouches(touches, project.settings.caseSensitive),
      alongside: feature.hold.claimId,
    }),
  );
  const at = { ...project, epoch };
  switch (outcome.kind) {
    case "granted": {
      await failpoint("extend.after-claim");
      const record = await commitExtension(deps, caller, at, hold, { claimId, asked, touches, granted: outcome });
      if (record?.claimId !== claimId) {
        await failpoint("extend.before-undo");
        await deps.claims.run(at, (store, scope) => store.release(scope, [claimId]));
      }
      return record === undefined ? undefined : confirmExtension(deps, project, hold, record.claimId);
    }
    case "conflict":
      if (await clearAway(deps, at, outcome.blocked, hold.sessionId, attempt)) return undefined;
      throw await conflictOf(deps, project, touches, outcome.blocked);
    case "session-expired":
      await expireSession(deps, at, hold.sessionId);
      return undefined;
    case "claim-gone":
      throw await whyNotHeld(deps, hold);
    case "feature-held":
      return undefined;
    case "too-broad":
      throw new TouchTooBroadError(touches[outcome.touch]?.path ?? "");
  }
}

/** P2 of an extension: it holds only while the feature is active under the pick's token. */
async function commitExtension(
  deps: FeatureDeps,
  caller: Caller,
  project: ClaimedProject,
  hold: NamedHold,
  extension: {
    readonly claimId: ClaimId;
    readonly asked: readonly Touch[];
    /** With the modes that were claimed. */
    readonly touches: readonly Touch[];
    readonly granted: Extract<ExtendOutcome, { kind: "granted" }>;
  },
): Promise<ExtendRecord | undefined> {
  const { claimId, asked, touches, granted } = extension;
  const { fencingToken, acquireTime } = granted;
  const { sessionId } = hold;
  try {
    const record = await deps.database.mutate<ExtendRecord>(caller.request, async (tx) => {
      if (!(await tx.sessions.lockOpen(sessionId))) throw new NotHeld();
      const feature = await tx.features.getLocked(hold.projectId, hold.slug);
      if (feature === undefined || !isHeldLikeThat(feature, hold)) throw new NotHeld();
      // Other extensions may have been committed since they were looked at.
      const union = unionOf(feature.touches, asked);
      checkSize(union);
      const held = await tx.claims.listHeldOfFeature(feature.id);
      if (held.length >= MAX_CLAIMS) {
        throw new LimitExceededError("claims of one feature", MAX_CLAIMS, "extend by several touches at once");
      }
      const { id: featureId } = feature;
      const record = { id: claimId, featureId, sessionId, fencingToken, touches, replaces: [], acquireTime };
      const stands =
        (await tx.claims.insertHeld(project.id, record)) && (await tx.projects.lockEpoch(project.id, project.epoch));
      if (!stands) throw new NotHeld();
      const time = deps.clock.now();
      await tx.features.update(feature.id, { touches: union }, time);
      tx.events.append(claimEvent({ ...by(caller), ...hold, time }, "extended", record));
      await failpoint("extend.in-commit");
      return { claimId };
    });
    await failpoint("extend.after-commit");
    return record;
  } catch (error) {
    if (error instanceof NotHeld) return undefined;
    if (await settleClaim(deps, project, claimId)) return { claimId };
    throw error;
  }
}

async function confirmExtension(
  deps: FeatureDeps,
  project: Project,
  hold: NamedHold,
  claimId: ClaimId,
): Promise<GrantedClaim> {
  await failpoint("extend.before-confirm");
  const { outcome, epoch } = await deps.claims.run(project, (store, scope) => store.confirm(scope, claimId));
  const record = await deps.database.read.claims.get(claimId);
  if (outcome.kind === "confirmed" && record?.state === "held") {
    await failpoint("extend.before-answer");
    const { fencingToken, acquireTime, expireTime } = outcome.claim;
    return { claimId, touches: record.touches, fencingToken, acquireTime, expireTime };
  }
  if (outcome.kind === "session-expired") await expireSession(deps, { ...project, epoch }, hold.sessionId);
  throw await whyNotHeld(deps, hold);
}

function isHeldLikeThat(
  feature: Feature,
  hold: NamedHold,
): feature is Feature & { hold: NonNullable<Feature["hold"]> } {
  return feature.hold?.sessionId === hold.sessionId && feature.hold.fencingToken === hold.fencingToken;
}

/** The touches of a feature with more of them; each path once, exclusive where either says so. */
function unionOf(touches: readonly Touch[], more: readonly Touch[]): Touch[] {
  const union = new Map(touches.map((touch) => [touch.path, touch]));
  for (const touch of more) if (union.get(touch.path)?.mode !== "exclusive") union.set(touch.path, touch);
  return [...union.values()];
}

/** A feature stays what one pick can claim. */
function checkSize(touches: readonly Touch[]): void {
  if (touches.length > MAX_TOUCHES_PER_CLAIM) {
    throw new LimitExceededError("touches of one feature", MAX_TOUCHES_PER_CLAIM, "name a folder above them");
  }
  checkAlternatives(touches);
}
