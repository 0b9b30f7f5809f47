import type { ClaimRecord } from "../claims/claim-record.ts";
import type { Database } from "../database.ts";
import { ClaimsRecoveringError } from "../errors.ts";
import { byNexus } from "../events/event.ts";
import { claimEvent, featureEvent } from "../features/feature-event.ts";
import type { ClaimId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { interruptionOf } from "../sessions/interruption-of.ts";

/**
 * Ends the work that a claim was for, since the claim store no longer has it: the feature is ready again with an
 * interruption, its session goes on. Answers the feature's claims, which may still be written under and have to drain;
 * none when the work had ended by itself.
 *
 * @throws ClaimsRecoveringError when the project went into another epoch since
 */
export function interruptLost(
  database: Database,
  time: Date,
  project: Pick<Project, "id" | "epoch">,
  { id, featureId, sessionId }: ClaimRecord,
): Promise<readonly ClaimId[]> {
  return database.transact(async (tx) => {
    const session = await tx.sessions.get(project.id, sessionId);
    const record = await tx.claims.get(id);
    if (session === undefined || record?.state !== "held") return [];
    const interruption = await interruptionOf(tx, session, "claim-lost", time);
    if ((await tx.features.endHoldOfSession(sessionId, "ready", interruption, time)) !== featureId) {
      throw new Error(`session ${sessionId} holds another feature than its claim says`);
    }
    const ended = await tx.claims.endOfFeature(featureId, "drained", time);
    if (session.featureSlug !== undefined) {
      const moment = { ...byNexus(session), projectId: project.id, slug: session.featureSlug, sessionId, time };
      tx.events.append(featureEvent(moment, { change: "status", from: "active", to: "ready", interruption }));
      for (const claim of ended) tx.events.append(claimEvent(moment, "lost", claim));
    }
    if (!(await tx.projects.lockEpoch(project.id, project.epoch))) throw new ClaimsRecoveringError();
    return ended.map((claim) => claim.id);
  });
}
