import { compileTouches } from "../claims/compile-touches.ts";
import type { Project } from "../projects/project.ts";
import type { ClaimedProject } from "./claim-access.ts";
import { type EndSessionDeps, expireSession } from "./expire-session.ts";
import { settleClaim } from "./settle-claim.ts";

/** How much of each kind of work one tick does for one project; the rest waits for the next. */
const BATCH = 100;
/** Recorded answers that one tick forgets: more than a server makes in a second. */
const MAX_FORGOTTEN = 2_000;
/** How long after its lock-delay a claim is certainly free, whatever this server thinks the time is. */
const FORGET_DRAINED_MS = 2 * 3_600_000;
/** How long answers are kept for repetitions. */
const REQUEST_RECORD_MS = 24 * 3_600_000;

/**
 * One tick of the reconciler: looks after every project at work. Any server may run it at any time, several at once:
 * every step is conditional and safe to repeat. A project whose turn fails does not hold up the others.
 *
 * @param onFailure is told of each project whose turn failed
 */
export async function reconcile(
  deps: EndSessionDeps,
  onFailure: (project: Project, error: unknown) => void,
): Promise<void> {
  for (const project of await deps.database.read.projects.listAtWork()) {
    try {
      await reconcileProject(deps, project);
    } catch (error) {
      onFailure(project, error);
    }
  }
  await deps.database.forgetRequests(new Date(deps.clock.now().getTime() - REQUEST_RECORD_MS), MAX_FORGOTTEN);
}

async function reconcileProject(deps: EndSessionDeps, before: Project): Promise<void> {
  const { outcome: due, epoch } = await deps.claims.run(before, (store, scope) => store.dueWork(scope, BATCH));
  const project = { id: before.id, epoch };
  // One that fails does not keep the others waiting; what went wrong is told when all have had their turn.
  const failures: unknown[] = [];
  const attempt = (work: Promise<unknown>) => work.catch((error: unknown) => failures.push(error));
  for (const sessionId of due.expiredSessions) await attempt(expireSession(deps, project, sessionId));
  for (const claim of due.overdueClaims) await attempt(settleClaim(deps, project, claim.claimId));
  if (due.drainedClaims.length > 0) {
    await deps.claims.run(project, (store, scope) => store.release(scope, due.drainedClaims));
    await deps.database.read.claims.markEnded(due.drainedClaims);
  }
  // Some of these are just being freed by the call that ended them. Freeing twice does nothing, and an age would have to
  // be told by a clock.
  const ending = await deps.database.read.claims.listEnding(project.id, BATCH);
  if (ending.length > 0) {
    await deps.claims.run(project, (store, scope) => store.release(scope, ending));
    await deps.database.read.claims.markEnded(ending);
  }
  for (const claim of await deps.database.read.claims.listShrunk(project.id, BATCH)) {
    const touches = compileTouches(claim.touches, before.settings.caseSensitive);
    await deps.claims.run(project, (store, scope) => store.retainTouches(scope, claim.id, touches));
    await deps.database.read.claims.markShrunk(claim);
  }
  await keepDraining(deps, project, before.settings.lockDelayMs);
  if (failures.length > 0) throw failures[0];
}

/**
 * Claims that ended by force: asked to drain once more, in case nobody did, which prolongs nothing; done with when the
 * store must have freed them long ago.
 */
async function keepDraining(deps: EndSessionDeps, project: ClaimedProject, lockDelayMs: number): Promise<void> {
  const draining = await deps.database.read.claims.listDraining(project.id, BATCH);
  if (draining.length === 0) return;
  const overSince = deps.clock.now().getTime() - lockDelayMs - FORGET_DRAINED_MS;
  const over = draining.filter((claim) => claim.endTime.getTime() < overSince).map((claim) => claim.id);
  const ids = draining.map((claim) => claim.id).filter((id) => !over.includes(id));
  await deps.claims.run(project, (store, scope) => store.drain(scope, ids, lockDelayMs));
  if (over.length === 0) return;
  await deps.claims.run(project, (store, scope) => store.release(scope, over));
  await deps.database.read.claims.markEnded(over);
}
