import type { EndedClaim } from "../claims/claim-record.ts";
import type { Transaction } from "../database.ts";
import { by, byNexus, type ClaimEvent } from "../events/event.ts";
import type { Interruption, InterruptionCause } from "../features/feature.ts";
import { claimEvent, featureEvent } from "../features/feature-event.ts";
import type { Session, SessionState } from "./session.ts";

/** What ends the claims of a session that ends for that cause. */
const CLAIM_CHANGES: Readonly<Record<InterruptionCause, ClaimEvent["change"]>> = {
  "session-expired": "expired",
  // Its own wrapper says so, and frees its paths at once.
  "session-crashed": "released",
  "forced-release": "forced",
  "member-removed": "forced",
  "claim-lost": "lost",
};

/**
 * Adds the end of a session to the event log, with the ends of its feature and its claims.
 *
 * @param session as it was with its feature
 * @param interruption of its feature, unless the end was clean
 */
export function logEndOfSession(
  tx: Transaction,
  session: Session,
  { state, cause }: { readonly state: SessionState; readonly cause: InterruptionCause | undefined },
  time: Date,
  interruption: Interruption | undefined,
  ended: readonly EndedClaim[],
): void {
  const { id: sessionId, projectId, featureSlug: slug, agent } = session;
  const author = state === "closed" ? by(session) : byNexus(session);
  tx.events.append({ ...author, projectId, time, sessionId, payload: { kind: "session", state, agent } });
  if (slug === undefined) return;
  const moment = { ...author, projectId, slug, sessionId, time };
  tx.events.append(featureEvent(moment, { change: "status", from: "active", to: "ready", interruption }));
  const change = cause === undefined ? "released" : CLAIM_CHANGES[cause];
  const reason = change === "forced" ? "the member was removed" : undefined;
  for (const claim of ended) tx.events.append(claimEvent(moment, change, claim, reason));
}
