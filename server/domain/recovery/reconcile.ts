import { compileTouches } from "../claims/compile-touches.ts";
import { ClaimsRecoveringError, StoreUnavailableError } from "../errors.ts";
import { failpoint } from "../failpoint.ts";
import type { ClaimId } from "../ids.ts";
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

/**
 * One that fails does not keep the others waiting, neither of its kind nor of another; what went wrong first is thrown
 * when all have had their turn, or at once where a store is away.
 */
async function reconcileProject(deps: ReconcileDeps, before: Project): Promise<void> {
  await failpoint("reconcile.before-look");
  const { outcome: due, epoch } = await deps.claims.run(before, (store, scope) => store.dueWork(scope, BATCH));
  await failpoint("reconcile.after-look");
  const project = { ...before, epoch };
  const { sessions, claims } = deps.database.read;
  const failures: unknown[] = [];
  const each = async <Item>(items: readonly Item[], work: (item: Item) => Promise<void>) => {
    for (const item of items) {
      await work(item).catch((error: unknown) => {
        // What fails for the whole project would only be waited for again and again.
        if (error instanceof StoreUnavailableError || error instanceof ClaimsRecoveringError) throw error;
        failures.push(error);
      });
    }
  };
  const step = (work: () => Promise<void>) => each([work], (only) => only());
  const ageMs = (since: Date) => Math.max(0, deps.clock.now().getTime() - since.getTime());

  await each(due.expiredSessions, (sessionId) => expireSession(deps, project, sessionId));
  // Of members who were removed by a server that died before it had ended their sessions.
  await step(async () =>
    each(await sessions.listOfFormerMembers(project.id, BATCH), (sessionId) =>
      endSession(deps, project, sessionId, { state: "expired", cause: "member-removed" }),
    ),
  );
  await step(async () =>
    each(await sessions.listEnding(project.id, BATCH), (sessionId) => endLease(deps, project, sessionId)),
  );
  await each(due.overdueClaims, async (claim) => {
    deps.deviation("overdue-claim", ageMs(claim.acquireTime), { project: project.id, claimId: claim.claimId });
    await settleClaim(deps, project, claim.claimId);
  });
  await step(() => free(deps, project, due.drainedClaims, () => failpoint("reconcile.after-drained")));
  await step(async () => {
    // Some of these are just being freed by the call that ended them. Freeing twice does nothing.
    const ending = await claims.listEnding(project.id, BATCH);
    for (const { id, endTime } of ending) {
      const age = ageMs(endTime);
      if (age > OUTBOX_MS) deps.deviation("unfreed-claim", age, { project: project.id, claimId: id });
    }
    await free(
      deps,
      project,
      ending.map(({ id }) => id),
      () => failpoint("reconcile.after-outbox"),
    );
  });
  await step(async () =>
    each(await claims.listShrunk(project.id, BATCH), async (claim) => {
      const touches = compileTouches(claim.touches, before.settings.caseSensitive);
      await deps.claims.run(project, (store, scope) => store.retainTouches(scope, claim.id, touches));
      await failpoint("reconcile.after-retain");
      await claims.markShrunk(claim);
    }),
  );
  await step(() => keepDraining(deps, project));
  if (failures.length > 0) throw failures[0];
}

/** Frees claims that have ended; `freed` is the step after that. */
async function free(
  { claims, database }: ReconcileDeps,
  project: LeasedProject,
  ids: readonly ClaimId[],
  freed: () => void | Promise<void>,
): Promise<void> {
  if (ids.length === 0) return;
  await claims.run(project, (store, scope) => store.release(scope, ids));
  await freed();
  await database.read.claims.markEnded(ids);
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
