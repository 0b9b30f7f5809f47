import { compileTouches } from "../claims/compile-touches.ts";
import { failpoint } from "../failpoint.ts";
import type { Project } from "../projects/project.ts";
import type { LeasedProject } from "./claim-access.ts";
import type { ReportDeviation } from "./deviation.ts";
import { type EndSessionDeps, endLease, endSession, expireSession } from "./expire-session.ts";
import { settleClaim } from "./settle-claim.ts";

/** How much of each kind of work one tick does for one project; the rest waits for the next. */
const BATCH = 100;
/** Projects at a time: more than a process rebuilds at once. */
const AT_A_TIME = 8;
/** Recorded answers that one tick forgets: more than a server makes in a second. */
const MAX_FORGOTTEN = 2_000;
/** What Postgres has ended is freed by the call that ended it; older than this, that call has failed. */
const OUTBOX_MS = 1_000;
/** How long answers are kept for repetitions. */
const REQUEST_RECORD_MS = 24 * 3_600_000;

/** What a tick needs. */
export interface ReconcileDeps extends EndSessionDeps {
  readonly deviation: ReportDeviation;
}

/**
 * One tick of the reconciler: looks after every project at work. Any server may run it at any time, several at once:
 * every step is conditional and safe to repeat. A project whose turn fails does not hold up the others.
 *
 * @param onFailure is told of each project whose turn failed
 */
export async function reconcile(
  deps: ReconcileDeps,
  onFailure: (project: Project, error: unknown) => void,
): Promise<void> {
  const waiting = (await deps.database.read.projects.listAtWork()).values();
  // Several at a time: a large one that is being rebuilt must not keep the others from their tick.
  const lookAfterNext = async () => {
    for (const project of waiting) await reconcileProject(deps, project).catch((error) => onFailure(project, error));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lookAfterNext));
  await deps.database.forgetRequests(new Date(deps.clock.now().getTime() - REQUEST_RECORD_MS), MAX_FORGOTTEN);
}

async function reconcileProject(deps: ReconcileDeps, before: Project): Promise<void> {
  await failpoint("reconcile.before-look");
  const { outcome: due, epoch } = await deps.claims.run(before, (store, scope) => store.dueWork(scope, BATCH));
  await failpoint("reconcile.after-look");
  const project = { ...before, epoch };
  // One that fails does not keep the others waiting; what went wrong is told when all have had their turn.
  const failures: unknown[] = [];
  const now = deps.clock.now().getTime();
  const ageMs = (since: Date) => Math.max(0, now - since.getTime());
  const attempt = (work: Promise<unknown>) => work.catch((error: unknown) => failures.push(error));
  for (const sessionId of due.expiredSessions) await attempt(expireSession(deps, project, sessionId));
  // Of members who were removed by a server that died before it had ended their sessions.
  for (const sessionId of await deps.database.read.sessions.listOfFormerMembers(project.id, BATCH)) {
    await attempt(endSession(deps, project, sessionId, { state: "expired", cause: "member-removed" }));
  }
  for (const sessionId of await deps.database.read.sessions.listEnding(project.id, BATCH)) {
    await attempt(endLease(deps, project, sessionId));
  }
  for (const claim of due.overdueClaims) {
    deps.deviation("overdue-claim", ageMs(claim.acquireTime), { project: project.id, claimId: claim.claimId });
    await attempt(settleClaim(deps, project, claim.claimId));
  }
  if (due.drainedClaims.length > 0) {
    await deps.claims.run(project, (store, scope) => store.release(scope, due.drainedClaims));
    await failpoint("reconcile.after-drained");
    await deps.database.read.claims.markEnded(due.drainedClaims);
  }
  // Some of these are just being freed by the call that ended them. Freeing twice does nothing.
  const ending = await deps.database.read.claims.listEnding(project.id, BATCH);
  if (ending.length > 0) {
    for (const { id, endTime } of ending) {
      const age = ageMs(endTime);
      if (age > OUTBOX_MS) deps.deviation("unfreed-claim", age, { project: project.id, claimId: id });
    }
    const ids = ending.map((claim) => claim.id);
    await deps.claims.run(project, (store, scope) => store.release(scope, ids));
    await failpoint("reconcile.after-outbox");
    await deps.database.read.claims.markEnded(ids);
  }
  for (const claim of await deps.database.read.claims.listShrunk(project.id, BATCH)) {
    const touches = compileTouches(claim.touches, before.settings.caseSensitive);
    await deps.claims.run(project, (store, scope) => store.retainTouches(scope, claim.id, touches));
    await failpoint("reconcile.after-retain");
    await deps.database.read.claims.markShrunk(claim);
  }
  await keepDraining(deps, project);
  if (failures.length > 0) throw failures[0];
}

/**
 * Claims that ended uncleanly: asked to drain once more, in case nobody did, which prolongs nothing. Those that the
 * store does not know have drained.
 */
async function keepDraining(deps: EndSessionDeps, project: LeasedProject): Promise<void> {
  const { claims } = deps.database.read;
  const draining = (await claims.listDraining(project.id, BATCH)).map((claim) => claim.id);
  if (draining.length === 0) return;
  const { outcome } = await deps.claims.run(project, (store, scope) =>
    store.drain(scope, draining, project.settings.lockDelayMs),
  );
  await failpoint("reconcile.after-drain");
  await claims.markEnded(outcome.unknown);
}
