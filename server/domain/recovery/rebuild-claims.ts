import type { ClaimRecord } from "../claims/claim-record.ts";
import type { ClaimScope, ClaimStore, RebuiltClaim } from "../claims/claim-store.ts";
import { compileTouches } from "../claims/compile-touches.ts";
import type { Stores } from "../database.ts";
import { ClaimsRecoveringError, ResourceNotFoundError } from "../errors.ts";
import { failpoint } from "../failpoint.ts";
import type { SessionId } from "../ids.ts";
import type { Project } from "../projects/project.ts";

/** Steps under way at a time: enough that the way to the store costs nothing, few enough that calls get through. */
const BATCH = 64;
/** More claims than can drain at a time. */
const MAX_DRAINING = 10_000;

/** What a rebuild found in Postgres and gave back. */
export interface Rebuilt {
  readonly project: Project;
  /** Held in Postgres, but they overlap others with higher tokens: data from a bug. */
  readonly overlapping: readonly ClaimRecord[];
}

/**
 * Gives a claim store that has just begun a rebuild all that Postgres knows of a project: every open session with a
 * fresh TTL, every claim of an active feature, and every draining claim with its whole lock-delay once more, since
 * nobody knows how much of it has passed.
 *
 * @param read sees what was committed after the epoch was raised
 * @throws ClaimsRecoveringError when another rebuild took over
 */
export async function rebuildClaims(
  read: Stores,
  store: ClaimStore,
  scope: ClaimScope,
  intent: string,
): Promise<Rebuilt> {
  const project = await read.projects.getById(scope.projectId);
  if (project === undefined) throw new ResourceNotFoundError("project", scope.projectId);
  const { sessionTtlMs, lockDelayMs, caseSensitive } = project.settings;
  const sessions = (await read.sessions.listAllOpen(scope.projectId)).map((session) => session.id);
  const renewAll = () =>
    inBatches(sessions, (id: SessionId) => store.rebuildSession(scope, intent, id, sessionTtlMs).then(mustGoOn));
  const restore = async (record: ClaimRecord, drainMs?: number) =>
    mustGoOn(await store.rebuildClaim(scope, intent, asRebuilt(record, caseSensitive, drainMs)));

  await renewAll();
  await failpoint("rebuild.after-sessions");
  const held = (await read.claims.listHeld(scope.projectId)).sort((a, b) => (a.fencingToken > b.fencingToken ? -1 : 1));
  const overlapping: ClaimRecord[] = [];
  await inBatches(held, async (record) => {
    if ((await restore(record)) === "overlaps") overlapping.push(record);
  });
  // After the held ones: what drained to its end may have been given to somebody else since, and then is free.
  const draining = await read.claims.listDraining(scope.projectId, MAX_DRAINING);
  await inBatches(draining, (record) => restore(record, lockDelayMs));
  // All that took its time, which must not be taken from the leases.
  await renewAll();
  await failpoint("rebuild.before-ready");
  mustGoOn(await store.finishRebuild(scope, intent));
  return { project, overlapping };
}

function asRebuilt(record: ClaimRecord, caseSensitive: boolean, drainMs: number | undefined): RebuiltClaim {
  return {
    claimId: record.id,
    featureId: record.featureId,
    sessionId: record.sessionId,
    fencingToken: record.fencingToken,
    acquireTime: record.acquireTime,
    touches: compileTouches(record.touches, caseSensitive),
    drainMs,
  };
}

/** Starts the steps in their order, some at a time. */
async function inBatches<Item>(items: readonly Item[], step: (item: Item) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += BATCH) {
    await Promise.all(items.slice(from, from + BATCH).map(step));
  }
}

function mustGoOn<Kind extends string>({ kind }: { readonly kind: Kind }): Exclude<Kind, "superseded"> {
  if (kind === "superseded") throw new ClaimsRecoveringError();
  return kind as Exclude<Kind, "superseded">;
}
