import { create } from "@bufbuild/protobuf";
import { type Session, SessionSchema, SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { FieldParser } from "../../domain/field-parser.ts";
import type { ProjectId, SessionId } from "../../domain/ids.ts";
import type { SessionState as DomainSessionState, SessionView } from "../../domain/sessions/session.ts";
import { timeToProto } from "./time.ts";

const STATE_TO_PROTO: Record<DomainSessionState, SessionState> = {
  open: SessionState.OPEN,
  closed: SessionState.CLOSED,
  expired: SessionState.EXPIRED,
};

/** Whether a session is at work. */
export function stateToProto(state: DomainSessionState): SessionState {
  return STATE_TO_PROTO[state];
}

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
    state: stateToProto(session.state),
    featureSlug: session.featureSlug ?? "",
    openTime: timeToProto(session.openTime),
    lastHeartbeatTime: timeToProto(lastHeartbeatTime),
    expireTime: timeToProto(expireTime),
  });
}

/** Which session a request names. */
export function sessionNameFromProto(request: { projectId: string; sessionId: string }) {
  const fields = new FieldParser();
  const projectId = fields.id<ProjectId>("project_id", request.projectId);
  const sessionId = fields.id<SessionId>("session_id", request.sessionId);
  fields.done();
  return { projectId, sessionId };
}
