import type { Caller } from "../caller.ts";
import type { AcquireOutcome } from "../claims/claim-store.ts";
import type { Touch } from "../claims/touch.ts";
import type { Stores } from "../database.ts";
import { by } from "../events/event.ts";
import { failpoint } from "../failpoint.ts";
import type { ClaimId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { settleClaim } from "../recovery/settle-claim.ts";
import type { Session } from "../sessions/session.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import { claimEvent, featureEvent } from "./feature-event.ts";
import { SessionBusyConflict } from "./feature-store.ts";

/** What is recorded of a pick for its repetitions. The claim is confirmed again before it is answered again. */
export interface PickRecord {
  readonly claimId: ClaimId;
}

/** A pick that the claim store granted, with the state of Postgres that the grant rests on. */
export interface GrantedPick {
  readonly project: Project;
  /** The epoch of the grant. */
  readonly epoch: number;
  readonly session: Session;
  /** As it was read before the grant. */
  readonly feature: Feature;
  readonly claimId: ClaimId;
  /** With the modes that were claimed. */
  readonly touches: readonly Touch[];
  /** Of a take-over: every claim that the feature was held by. */
  readonly replaces: readonly ClaimId[] | undefined;
  readonly granted: Extract<AcquireOutcome, { kind: "granted" }>;
}

/** Rolls the transaction back: something that the grant rested on has changed. */
class PickNotCommitted extends Error {}

/**
 * P2: commits a granted pick, in one transaction that is the fence of the whole protocol. Answers the claim that stands
 * for this request then, which is an earlier attempt's where that was committed first; undefined, with this attempt's
 * claim freed, when what the grant rested on has changed.
 *
 * @throws StoreUnavailableError when nothing is known; the reconciler settles the claim
 */
export async function commitPick(
  deps: FeatureDeps,
  caller: Caller,
  pick: GrantedPick,
): Promise<PickRecord | undefined> {
  const record = await commit(deps, caller, pick);
  if (record?.claimId !== pick.claimId) {
    await failpoint("pick.before-undo");
    await deps.claims.run(pick.project, (store, scope) => store.release(scope, [pick.claimId]));
  }
  return record;
}

async function commit(deps: FeatureDeps, caller: Caller, pick: GrantedPick): Promise<PickRecord | undefined> {
  const { project, epoch, session, feature, claimId, touches, replaces, granted } = pick;
  const { fencingToken, acquireTime } = granted;
  const claim = { id: claimId, featureId: feature.id, sessionId: session.id, fencingToken, touches };
  const moment = { ...by(caller), ...feature, sessionId: session.id, time: deps.clock.now() };
  try {
    const record = await deps.database.mutate<PickRecord>(caller.request, async (tx) => {
      const stands =
        (await tx.sessions.lockOpen(session.id)) &&
        (await hand(tx, pick)) &&
        (await tx.claims.insertHeld(project.id, { ...claim, replaces: replaces ?? [], acquireTime })) &&
        (await tx.projects.lockEpoch(project.id, epoch));
      if (!stands) throw new PickNotCommitted();
      // The outbox of what is taken over from: freed by the confirmation, or else by the reconciler.
      const replaced = replaces === undefined ? [] : await tx.claims.end(replaces, acquireTime);
      for (const former of replaced) tx.events.append(claimEvent(moment, "released", former));
      tx.events.append(claimEvent(moment, "acquired", claim));
      tx.events.append(featureEvent(moment, { change: "status", from: feature.status, to: "active" }));
      await failpoint("pick.in-commit");
      return { claimId };
    });
    await failpoint("pick.after-commit");
    return record;
  } catch (error) {
    if (error instanceof PickNotCommitted || error instanceof SessionBusyConflict) return undefined;
    // Perhaps a COMMIT without an answer: bar the claim from being committed, unless it was.
    if (await settleClaim(deps, { id: project.id, epoch }, claimId)) return { claimId };
    throw error;
  }
}

/** Makes the feature this pick's own: a ready one, or the one that it takes over, as it was found. */
function hand(tx: Stores, { session, feature, claimId, replaces, granted }: GrantedPick): Promise<boolean> {
  const activation = {
    featureId: feature.id,
    sessionId: session.id,
    claimId,
    fencingToken: granted.fencingToken,
    revision: feature.revision,
    time: granted.acquireTime,
  };
  if (replaces === undefined || feature.hold === undefined) return tx.features.activate(activation);
  return tx.features.takeOver(activation, feature.hold.claimId);
}
