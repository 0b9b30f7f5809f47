import { create } from "@bufbuild/protobuf";
import { type Session, SessionSchema, SessionState } from "@nexus/gen/nexus/v1/session_pb";
import type { SessionState as DomainSessionState, SessionView } from "../../domain/sessions/session.ts";
import { timeToProto } from "./time.ts";

const STATE_TO_PROTO: Record<DomainSessionState, SessionState> = {
  open: SessionState.OPEN,
  closed: SessionState.CLOSED,
  expired: SessionState.EXPIRED,
};

/** A session with its lease. */
export function sessionToProto({ session, expireTime, lastHeartbeatTime }: SessionView): Session {
  const { id, projectId, engineerId, clientSessionId, agent, host, worktree, branch } = session;
  return create(SessionSchema, {
    id,
    projectId,
    engineerId,
    clientSessionId,
    agent,
    host,
    worktree,
    branch,
    state: STATE_TO_PROTO[session.state],
    featureSlug: session.featureSlug ?? "",
    openTime: timeToProto(session.openTime),
    lastHeartbeatTime: timeToProto(lastHeartbeatTime),
    expireTime: timeToProto(expireTime),
  });
}
