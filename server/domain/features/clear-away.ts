import type { BlockedTouch } from "../claims/claim-store.ts";
import type { ClaimId, SessionId } from "../ids.ts";
import type { LeasedProject } from "../recovery/claim-access.ts";
import { expireSession } from "../recovery/expire-session.ts";
import { settleClaim } from "../recovery/settle-claim.ts";
import type { FeatureDeps } from "./deps.ts";

/**
 * How often a call waits for an unfinished attempt of the same session, doubling from 50 ms: for 750 ms in all. That is
 * long for a commit, and short for somebody who repeats a call because the first server died.
 */
const MAX_WAITS = 4;
const FIRST_WAIT_MS = 50;

/**
 * Clears away what only seems to stand in the way: holders whose lease has lapsed, and attempts that nobody finished.
 * An attempt of the session's own may be the same call on its way through another server, so it is waited for first.
 * Answers whether it is worth trying again.
 */
export async function clearAway(
  deps: FeatureDeps,
  project: LeasedProject,
  hits: readonly Pick<BlockedTouch, "claim">[],
  ownSession: SessionId,
  attempt: number,
): Promise<boolean> {
  const lapsed = new Set<SessionId>();
  const unfinished = new Set<ClaimId>();
  let wait = false;
  for (const { claim } of hits) {
    const own = claim.state === "provisional" && claim.sessionId === ownSession;
    if (claim.sessionExpired) lapsed.add(claim.sessionId);
    else if (claim.overdue || (own && attempt >= MAX_WAITS)) unfinished.add(claim.claimId);
    else if (own) wait = true;
  }
  for (const sessionId of lapsed) await expireSession(deps, project, sessionId);
  for (const claimId of unfinished) await settleClaim(deps, project, claimId);
  if (wait) await deps.pause(FIRST_WAIT_MS * 2 ** attempt);
  return wait || lapsed.size + unfinished.size > 0;
}
