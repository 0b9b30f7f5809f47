import type { ClaimRecord } from "../claims/claim-record.ts";
import type { Author, ClaimEvent, FeatureEvent, NewEvent } from "../events/event.ts";
import type { ProjectId, SessionId, Slug } from "../ids.ts";
import type { Feature } from "./feature.ts";

/** Which feature an event is about, when, by whom, and in which session. */
export interface FeatureMoment extends Author {
  readonly projectId: ProjectId;
  readonly slug: Slug;
  readonly time: Date;
  readonly sessionId?: SessionId | undefined;
}

/** Something that happened to a feature. */
export function featureEvent(moment: FeatureMoment, event: Omit<FeatureEvent, "kind">): NewEvent {
  return { ...contextOf(moment), payload: { kind: "feature", ...event } };
}

/** Something that happened to a claim of a feature. */
export function claimEvent(
  moment: FeatureMoment,
  change: ClaimEvent["change"],
  claim: Pick<ClaimRecord, "id" | "sessionId" | "fencingToken" | "touches">,
  reason?: string,
): NewEvent {
  const { id: claimId, sessionId, fencingToken, touches } = claim;
  const payload = { kind: "claim", change, claimId, sessionId, fencingToken, touches } as const;
  return { ...contextOf(moment), payload: reason === undefined ? payload : { ...payload, reason } };
}

/** What an event tells of a feature that was created or updated. */
export function lookOf({ title, lane, position }: Feature): NonNullable<FeatureEvent["after"]> {
  return { title, lane, position };
}

function contextOf({ actor, engineerId, projectId, slug, time, sessionId }: FeatureMoment) {
  return { actor, engineerId, projectId, time, sessionId, featureSlug: slug };
}
