import type { ClaimEnd } from "../claims/claim-record.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import { ClaimsRecoveringError } from "../errors.ts";
import { failpoint } from "../failpoint.ts";
import type { InterruptionCause } from "../features/feature.ts";
import type { ClaimId, SessionId } from "../ids.ts";
import { interruptionOf } from "../sessions/interruption-of.ts";
import { logEndOfSession } from "../sessions/log-end-of-session.ts";
import type { SessionState } from "../sessions/session.ts";
import type { ClaimAccess, LeasedProject } from "./claim-access.ts";

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
 * held is left draining. Called by the sweeper of any server and by a picker that meets an expired holder; safe to
 * repeat.
 *
 * @throws ClaimsRecoveringError when the project went into another epoch since: the session may live in that one
 */
export function expireSession(deps: EndSessionDeps, project: LeasedProject, sessionId: SessionId): Promise<void> {
  return endSession(deps, project, sessionId, { state: "expired", cause: "session-expired" });
}

/**
 * Ends a session for good: first in Postgres, in one transaction with its feature and claims, then in the claim store.
 * Its feature is ready again, with an interruption when there is a cause. What it held is free at once when the holder
 * said so itself or is known to be dead; else it drains for the project's lock-delay, since the holder may still be
 * writing. Ending an ended session repeats the second half only.
 */
export async function endSession(
  deps: EndSessionDeps,
  project: LeasedProject,
  sessionId: SessionId,
  ending: SessionEnding,
): Promise<void> {
  const time = deps.clock.now();
  const how = endOfClaims(ending.cause);
  await failpoint("end-session.before-commit");
  const { ended, recorded } = await deps.database.transact(async (tx) => {
    const session = await tx.sessions.end(sessionId, ending.state, time);
    if (session === undefined) {
      return { ended: [], recorded: (await tx.sessions.get(project.id, sessionId)) !== undefined };
    }
    const interruption = ending.cause && (await interruptionOf(tx, session, ending.cause, time));
    const featureId = await tx.features.endHoldOfSession(sessionId, "ready", interruption, time);
    const ended = featureId === undefined ? [] : await tx.claims.endOfFeature(featureId, how, time);
    logEndOfSession(tx, session, ending, time, interruption, ended);
    if (!(await tx.projects.lockEpoch(project.id, project.epoch))) throw new ClaimsRecoveringError();
    await failpoint("end-session.in-commit");
    return { ended: ended.map((claim) => claim.id), recorded: true };
  });
  await failpoint("end-session.after-commit");
  // A lease without a record may be on its way to be recorded, and be given another lease by a recovery: only the one
  // that was found lapsed may go.
  if (recorded) await endLease(deps, project, sessionId, how === "drained" ? [] : ended);
  else await deps.claims.only(project, (store, scope) => store.endSession(scope, sessionId, 0));
  await failpoint("end-session.before-answer");
}

/**
 * The last step of a session's end: the claim store forgets its lease, frees what is free at once, and leaves draining
 * what else it has of it: claims that were taken from it by force before, and attempts that nobody finished. All in one
 * step, so that no sign of life is answered that the session is alive and has lost what it held. The session is on a
 * work list of the reconciler until then, since what nobody finished has no record of its own.
 */
export async function endLease(
  { database, claims }: Pick<EndSessionDeps, "database" | "claims">,
  project: LeasedProject,
  sessionId: SessionId,
  free: readonly ClaimId[] = [],
): Promise<void> {
  const { lockDelayMs } = project.settings;
  await claims.run(project, (store, scope) => store.endSession(scope, sessionId, lockDelayMs, free));
  await failpoint("end-session.after-lease");
  if (free.length > 0) await database.read.claims.markEnded(free);
  await database.read.sessions.markLeaseEnded(sessionId);
}

function endOfClaims(cause: InterruptionCause | undefined): ClaimEnd {
  if (cause === undefined) return "released";
  return cause === "session-crashed" ? "crashed" : "drained";
}
