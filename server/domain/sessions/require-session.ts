import type { Stores } from "../database.ts";
import { ResourceNotFoundError } from "../errors.ts";
import type { EngineerId, ProjectId, SessionId } from "../ids.ts";
import type { Session } from "./session.ts";
import { SessionExpiredError } from "./session-errors.ts";

/**
 * The engineer's own session, ended or not.
 *
 * @throws ResourceNotFoundError also when it is somebody else's
 */
export async function requireOwnSession(
  stores: Pick<Stores, "sessions">,
  projectId: ProjectId,
  sessionId: SessionId,
  engineerId: EngineerId,
): Promise<Session> {
  const session = await stores.sessions.get(projectId, sessionId);
  if (session === undefined || session.engineerId !== engineerId) {
    throw new ResourceNotFoundError("session", sessionId, "'nexus session list' shows the open ones");
  }
  return session;
}

/**
 * The engineer's own session, which is open as far as Postgres knows.
 *
 * @throws ResourceNotFoundError also when it is somebody else's
 * @throws SessionExpiredError when it has ended
 */
export async function requireOpenSession(
  stores: Pick<Stores, "sessions" | "claims" | "features">,
  projectId: ProjectId,
  sessionId: SessionId,
  engineerId: EngineerId,
): Promise<Session> {
  const session = await requireOwnSession(stores, projectId, sessionId, engineerId);
  if (session.state !== "open") throw await sessionExpired(stores, session);
  return session;
}

/** What a late holder is told: when its session ended and what it lost by that. */
export async function sessionExpired(
  stores: Pick<Stores, "claims" | "features">,
  session: Session,
): Promise<SessionExpiredError> {
  const { state, endTime } = session;
  const lost =
    state === "expired" && endTime !== undefined ? await stores.claims.lostOfSession(session.id, endTime) : [];
  // All of one feature: a session holds no other at the same time.
  const [feature] = await stores.features.getMany(lost.slice(0, 1).map((claim) => claim.featureId));
  return new SessionExpiredError(
    session.id,
    endTime,
    feature?.slug,
    lost.flatMap((claim) => claim.touches),
  );
}
