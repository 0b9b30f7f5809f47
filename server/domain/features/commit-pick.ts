import type { Caller } from "../caller.ts";
import type { AcquireOutcome } from "../claims/claim-store.ts";
import type { ClaimId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { settleClaim } from "../recovery/settle-claim.ts";
import type { Session } from "../sessions/session.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
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
    await deps.claims.run(pick.project, (store, scope) => store.release(scope, [pick.claimId]));
  }
  return record;
}

async function commit(deps: FeatureDeps, caller: Caller, pick: GrantedPick): Promise<PickRecord | undefined> {
  const { project, epoch, session, feature, claimId, granted } = pick;
  const { fencingToken, acquireTime } = granted;
  try {
    return await deps.database.mutate<PickRecord>(caller.request, async (tx) => {
      const stands =
        (await tx.sessions.lockOpen(session.id)) &&
        (await tx.features.activate({
          featureId: feature.id,
          sessionId: session.id,
          claimId,
          fencingToken,
          revision: feature.revision,
          time: acquireTime,
        })) &&
        (await tx.claims.insertHeld(project.id, {
          id: claimId,
          featureId: feature.id,
          sessionId: session.id,
          fencingToken,
          touches: feature.touches,
          acquireTime,
        })) &&
        (await tx.projects.lockEpoch(project.id, epoch));
      if (!stands) throw new PickNotCommitted();
      return { claimId };
    });
  } catch (error) {
    if (error instanceof PickNotCommitted || error instanceof SessionBusyConflict) return undefined;
    // Perhaps a COMMIT without an answer: bar the claim from being committed, unless it was.
    if (await settleClaim(deps, { id: project.id, epoch }, claimId)) return { claimId };
    throw error;
  }
}
