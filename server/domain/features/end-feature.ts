import type { Caller } from "../caller.ts";
import type { Transaction } from "../database.ts";
import { PermissionDeniedError } from "../errors.ts";
import { by } from "../events/event.ts";
import { failpoint } from "../failpoint.ts";
import type { ClaimId, FeatureId, ProjectId, Slug } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import { orLater } from "../recovery/or-later.ts";
import { renewSession } from "../sessions/renew-session.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature, FeatureView, Landing } from "./feature.ts";
import { StatusTransitionInvalidError } from "./feature-errors.ts";
import { claimEvent, type FeatureMoment, featureEvent } from "./feature-event.ts";
import { MAX_FENCING_TOKEN, type NamedHold, NotHeld, projectOfHold, whyNotHeld } from "./held-feature.ts";
import { lockFeature, requireFeature } from "./require-feature.ts";

/** What a commit ended: the feature as it is then, and the claims that the claim store has to free. */
interface Ended {
  readonly feature: Feature;
  readonly freed: readonly ClaimId[];
}

/**
 * Ends a session's hold of a feature, cleanly: first in Postgres, then in the claim store, so that the paths are never
 * free while the feature still says active.
 *
 * @throws FencingTokenStaleError, SessionExpiredError when the session does not hold it under that token; nothing
 *   changed
 */
export async function endFeature(
  deps: FeatureDeps,
  caller: Caller,
  hold: NamedHold,
  to: "ready" | "done" | "cancelled",
  landing?: Landing,
): Promise<FeatureView> {
  const project = await projectOfHold(deps, caller, hold);
  // Beside each other: the end rests on the session's record, not on its lease.
  const [{ feature, freed }] = await Promise.all([
    endInPostgres(deps, caller, hold, to, landing),
    renewSession(deps, project, hold.sessionId),
  ]);
  await free(deps, project, freed);
  await failpoint("end.before-answer");
  return { feature, holder: undefined };
}

async function endInPostgres(
  deps: FeatureDeps,
  caller: Caller,
  hold: NamedHold,
  to: "ready" | "done" | "cancelled",
  landing: Landing | undefined,
): Promise<Ended> {
  const time = deps.clock.now();
  const moment = { ...by(caller), ...hold, time };
  try {
    if (hold.fencingToken > MAX_FENCING_TOKEN) throw new NotHeld();
    await failpoint("end.before-commit");
    const ended = await deps.database.mutate(caller.request, async (tx) => {
      if (!(await tx.sessions.lockOpen(hold.sessionId))) throw new NotHeld();
      const featureId = await tx.features.endHold(hold, to, landing, time);
      if (featureId === undefined) throw new NotHeld();
      tx.events.append(featureEvent(moment, { change: "status", from: "active", to }));
      const ended = await endedClaims(tx, moment, featureId, "released");
      await failpoint("end.in-commit");
      return ended;
    });
    await failpoint("end.after-commit");
    return ended;
  } catch (error) {
    if (error instanceof NotHeld) throw await whyNotHeld(deps, hold);
    throw error;
  }
}

/**
 * Gives a feature up for good. An active one by its holder, with its token, or by an owner, which takes it away.
 *
 * @param hold how the caller holds it, when the caller says so: then it is cancelled only if that is still true
 */
export async function cancelFeature(
  deps: FeatureDeps,
  caller: Caller,
  asked: { readonly projectId: ProjectId; readonly slug: Slug },
  hold: Pick<NamedHold, "sessionId" | "fencingToken"> | undefined,
): Promise<FeatureView> {
  if (hold !== undefined) return endFeature(deps, caller, { ...asked, ...hold }, "cancelled");
  const { project, role } = await requireMember(deps.database.read, asked.projectId, caller.engineerId);
  const time = deps.clock.now();
  const moment = { ...by(caller), ...asked, time };
  await failpoint("cancel.before-commit");
  const { feature, freed } = await deps.database.mutate(caller.request, async (tx): Promise<Ended> => {
    const feature = await lockFeature(tx, asked.projectId, asked.slug);
    if (feature.status === "done" || feature.status === "cancelled") {
      throw new StatusTransitionInvalidError(feature.slug, feature.status, "cancelled");
    }
    tx.events.append(featureEvent(moment, { change: "status", from: feature.status, to: "cancelled" }));
    if (feature.hold === undefined) {
      await tx.features.update(feature.id, { status: "cancelled" }, time);
      return endedClaims(tx, moment, feature.id, "forced");
    }
    if (role !== "owner") {
      throw new PermissionDeniedError("owner", `${feature.slug} is active; only its holder or an owner cancels it`);
    }
    await tx.features.endHoldOfSession(feature.hold.sessionId, "cancelled", undefined, time);
    const ended = await endedClaims(tx, moment, feature.id, "forced");
    await failpoint("cancel.in-commit");
    return ended;
  });
  await failpoint("cancel.after-commit");
  // Its holder, where it has one, may still be writing.
  await orLater(async () => {
    await deps.claims.run(project, (store, scope) => store.drain(scope, freed, project.settings.lockDelayMs));
    await failpoint("cancel.after-drain");
  });
  return { feature, holder: undefined };
}

async function endedClaims(
  tx: Transaction,
  moment: FeatureMoment,
  featureId: FeatureId,
  how: "released" | "forced",
): Promise<Ended> {
  const ended = await tx.claims.endOfFeature(featureId, how === "forced" ? "drained" : "released", moment.time);
  const reason = how === "forced" ? "the feature was cancelled" : undefined;
  for (const claim of ended) tx.events.append(claimEvent(moment, how, claim, reason));
  const feature = await requireFeature(tx, moment.projectId, moment.slug);
  return { feature, freed: ended.map((claim) => claim.id) };
}

/** Frees claims that have ended in Postgres. Where the claim store is away, the reconciler does it when it is back. */
async function free(deps: FeatureDeps, project: Project, claimIds: readonly ClaimId[]): Promise<void> {
  if (claimIds.length === 0) return;
  await orLater(async () => {
    await deps.claims.run(project, (store, scope) => store.release(scope, claimIds));
    await failpoint("end.after-free");
    await deps.database.read.claims.markEnded(claimIds);
  });
}
