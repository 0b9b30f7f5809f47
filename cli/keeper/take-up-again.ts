import { type NexusClient, NexusError } from "@nexus/client";
import type { Holder } from "@nexus/gen/nexus/v1/claim_pb";
import { ClaimConflictSchema, FeatureAlreadyHeldSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import type { Session } from "@nexus/gen/nexus/v1/session_pb";
import type { HeldFeature, StoredSession } from "../session/session-store.ts";

/** What came of it; `why` completes "because". */
export type TakeUpOutcome =
  | { readonly kind: "taken-up"; readonly session: Session; readonly held: HeldFeature }
  /** The paths are not free yet, or nobody can say; to be tried again. */
  | { readonly kind: "not-yet" }
  | { readonly kind: "lost"; readonly why: string };

/**
 * Picks the feature that a session held when its lease ran out, in a new session of the same agent. Its paths stay
 * blocked for the project's lock-delay first, by the expired session itself.
 *
 * @throws NexusError when the server can't be reached, or can't answer yet
 */
export async function takeUpAgain(
  { sessions, features }: NexusClient,
  { projectId, sessionId, held }: StoredSession,
): Promise<TakeUpOutcome> {
  if (held === undefined) return { kind: "lost", why: "it held nothing" };
  const { session: expired } = await sessions.getSession({ projectId, sessionId });
  const { clientSessionId = "", agent = "", host = "", worktree = "", branch = "" } = expired ?? {};
  const { session } = await sessions.openSession({ projectId, clientSessionId, agent, host, worktree, branch });
  if (session === undefined) return { kind: "not-yet" };
  try {
    const { claim } = await features.pickFeature({ projectId, slug: held.slug, sessionId: session.id });
    return { kind: "taken-up", session, held: { slug: held.slug, fencingToken: String(claim?.fencingToken ?? 0n) } };
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    const why = whyLost(error, sessionId);
    // Unless the agent works with it by now, nobody needs it.
    if (why !== undefined && error.reason !== "SESSION_BUSY") {
      await sessions.closeSession({ projectId, sessionId: session.id });
    }
    return why === undefined ? { kind: "not-yet" } : { kind: "lost", why };
  }
}

/** Undefined where the next attempt may succeed; throws what says nothing about the feature. */
function whyLost(error: NexusError, expiredId: string): string | undefined {
  switch (error.reason) {
    case "CLAIM_CONFLICT": {
      const holders = error.detail(ClaimConflictSchema)?.blocked.map(({ holder }) => holder) ?? [];
      const other = holders.find((holder) => holder?.sessionId !== expiredId);
      return other === undefined ? undefined : `${nameOf(other)} holds some of its files for ${other.featureSlug}`;
    }
    case "FEATURE_ALREADY_HELD": {
      const holder = error.detail(FeatureAlreadyHeldSchema)?.holder;
      if (holder?.sessionId === expiredId) return undefined;
      return `${holder === undefined ? "somebody" : nameOf(holder)} works on it now`;
    }
    case "SESSION_EXPIRED":
    case "CLAIM_LOST":
      return undefined;
    case "SESSION_BUSY":
    case "STATUS_TRANSITION_INVALID":
    case "DEPENDENCIES_UNMET":
    case "RESOURCE_NOT_FOUND":
    case "TOUCH_TOO_BROAD":
    case "LIMIT_EXCEEDED":
      return error.message;
    default:
      throw error;
  }
}

function nameOf({ engineerName, agent }: Holder): string {
  return agent === "" ? engineerName : `${engineerName} (${agent})`;
}
