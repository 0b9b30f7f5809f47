import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import { ClaimsRecoveringError } from "../errors.ts";
import type { InterruptionCause } from "../features/feature.ts";
import type { ClaimId, SessionId } from "../ids.ts";
import type { Session, SessionState } from "../sessions/session.ts";
import type { ClaimAccess, ClaimedProject } from "./claim-access.ts";

/** What ending a session needs. */
export interface EndSessionDeps {
  readonly database: Database;
  readonly claims: ClaimAccess;
  readonly clock: Clock;
}

/** How a session ends: by itself or for a cause that interrupts its work. */
export interface SessionEnding {
  readonly state: Exclude<SessionState, "open">;
  /** Undefined when the end is clean. */
  readonly cause: InterruptionCause | undefined;
}

/**
 * Expire(session) of the protocol: the lease was found lapsed in the claim store; here its end is committed and what it
 * held is freed. Called by the sweeper of any server and by a picker that meets an expired holder; safe to repeat.
 *
 * @throws ClaimsRecoveringError when the project went into another epoch since: the session may live in that one
 */
export function expireSession(deps: EndSessionDeps, project: ClaimedProject, sessionId: SessionId): Promise<void> {
  return endSession(deps, project, sessionId, { state: "expired", cause: "session-expired" });
}

/**
 * Ends a session for good: first in Postgres, in one transaction with its feature and claims, then in the claim store.
 * Its feature is ready again, with an interruption when there is a cause. Ending an ended session repeats the second
 * half only.
 */
export async function endSession(
  deps: EndSessionDeps,
  project: ClaimedProject,
  sessionId: SessionId,
  ending: SessionEnding,
): Promise<void> {
  const time = deps.clock.now();
  // Ending the session in the store must not cut short what drains there after a forced release. What it held besides
  // is freed by name.
  const { claims, projects } = deps.database.read;
  const drains = (await claims.listDraining(project.id, 1)).length > 0;
  const drainMs = drains ? ((await projects.getById(project.id))?.settings.lockDelayMs ?? 0) : 0;
  const freed = await deps.database.transact(async (tx): Promise<ClaimId[]> => {
    const session = await tx.sessions.end(sessionId, ending.state, time);
    if (session === undefined) return [];
    const interruption =
      ending.cause === undefined ? undefined : { ...whereaboutsOf(session), time, cause: ending.cause };
    const featureId = await tx.features.endHoldOfSession(sessionId, "ready", interruption, time);
    const claimIds =
      featureId === undefined
        ? []
        : await tx.claims.endOfFeature(featureId, ending.cause === undefined ? "released" : "lost", time);
    if (!(await tx.projects.lockEpoch(project.id, project.epoch))) throw new ClaimsRecoveringError();
    return claimIds;
  });
  await deps.claims.run(project, (store, scope) => store.endSession(scope, sessionId, drainMs));
  if (drains && freed.length > 0) await deps.claims.run(project, (store, scope) => store.release(scope, freed));
  await deps.database.read.claims.markEnded(freed);
}

function whereaboutsOf(session: Session) {
  const { id, engineerName, agent, host, worktree } = session;
  return { sessionId: id, engineerName, agent, host, worktree };
}
