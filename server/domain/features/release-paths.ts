import type { Caller } from "../caller.ts";
import type { ShrunkClaim } from "../claims/claim-record.ts";
import { compileStored, compileTouches } from "../claims/compile-touches.ts";
import type { Touch } from "../claims/touch.ts";
import { by } from "../events/event.ts";
import { failpoint } from "../failpoint.ts";
import type { Project } from "../projects/project.ts";
import { orLater } from "../recovery/or-later.ts";
import { renewSession } from "../sessions/renew-session.ts";
import type { FeatureDeps } from "./deps.ts";
import { claimEvent } from "./feature-event.ts";
import { type NamedHold, NotHeld, projectOfHold, whyNotHeld } from "./held-feature.ts";
import { listClaimsOfSession, type NamedClaims } from "./list-claims.ts";

/**
 * Frees some of the touches that a session holds, named as they were claimed. First in Postgres, then in the claim
 * store; where that is away, the reconciler does it. Touches that are not held are passed over.
 *
 * @throws FencingTokenStaleError, SessionExpiredError
 */
export async function releasePaths(
  deps: FeatureDeps,
  caller: Caller,
  hold: NamedHold,
  paths: readonly string[],
): Promise<NamedClaims> {
  const project = await projectOfHold(deps, caller, hold);
  const { caseSensitive } = project.settings;
  const gone = new Set(paths.map((path) => entryKey(path, caseSensitive)));
  const stays = (touch: Touch) => !gone.has(entryKey(touch.path, caseSensitive));
  const [shrunk] = await Promise.all([
    shrinkInPostgres(deps, caller, hold, stays),
    renewSession(deps, project, hold.sessionId),
  ]);
  await shrinkInStore(deps, project, shrunk);
  await failpoint("release-paths.before-answer");
  return listClaimsOfSession(deps, caller, hold);
}

async function shrinkInPostgres(
  deps: FeatureDeps,
  caller: Caller,
  hold: NamedHold,
  stays: (touch: Touch) => boolean,
): Promise<ShrunkClaim[]> {
  try {
    await failpoint("release-paths.before-commit");
    const shrunk = await deps.database.mutate(caller.request, async (tx) => {
      if (!(await tx.sessions.lockOpen(hold.sessionId))) throw new NotHeld();
      const feature = await tx.features.getLocked(hold.projectId, hold.slug);
      const held = feature?.hold?.sessionId === hold.sessionId && feature.hold.fencingToken === hold.fencingToken;
      if (feature === undefined || !held) throw new NotHeld();
      const shrunk: ShrunkClaim[] = [];
      const time = deps.clock.now();
      for (const claim of await tx.claims.listHeldOfFeature(feature.id)) {
        const free = claim.touches.filter((touch) => !stays(touch));
        if (free.length === 0) continue;
        shrunk.push(await tx.claims.shrink(claim.id, claim.touches.filter(stays)));
        tx.events.append(claimEvent({ ...by(caller), ...hold, time }, "released", { ...claim, touches: free }));
      }
      const touches = feature.touches.filter(stays);
      if (touches.length < feature.touches.length) await tx.features.update(feature.id, { touches }, time);
      await failpoint("release-paths.in-commit");
      return shrunk;
    });
    await failpoint("release-paths.after-commit");
    return shrunk;
  } catch (error) {
    if (error instanceof NotHeld) throw await whyNotHeld(deps, hold);
    throw error;
  }
}

async function shrinkInStore(deps: FeatureDeps, project: Project, shrunk: readonly ShrunkClaim[]): Promise<void> {
  await orLater(async () => {
    for (const claim of shrunk) {
      const touches = compileTouches(claim.touches, project.settings.caseSensitive);
      await deps.claims.run(project, (store, scope) => store.retainTouches(scope, claim.id, touches));
      await failpoint("release-paths.after-retain");
      await deps.database.read.claims.markShrunk(claim);
    }
  });
}

/** Two spellings of one entry have the same key. */
function entryKey(path: string, caseSensitive: boolean): string {
  return JSON.stringify(compileStored(path, caseSensitive).alternatives);
}
