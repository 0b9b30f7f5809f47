import type { ServiceImpl } from "@connectrpc/connect";
import { ListActiveSessionsRequestSchema, type SessionService } from "@nexus/gen/nexus/v1/session_service_pb";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId, SessionId } from "../domain/ids.ts";
import type { SessionDeps } from "../domain/sessions/deps.ts";
import { openSession } from "../domain/sessions/open-session.ts";
import type { SessionListKey } from "../domain/sessions/session-store.ts";
import { closeSession, getSession, heartbeatSession, listActiveSessions } from "../domain/sessions/use-session.ts";
import { callerOf } from "./context.ts";
import { claimsToProto } from "./convert/claim.ts";
import { sessionNameFromProto, sessionToProto } from "./convert/session.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";

/** SessionService over the domain. Checkpoints come with crash recovery. */
export function sessionService(deps: SessionDeps): Partial<ServiceImpl<typeof SessionService>> {
  return {
    async openSession(request, context) {
      const fields = new FieldParser();
      const opening = {
        projectId: fields.id<ProjectId>("project_id", request.projectId),
        clientSessionId: fields.line("client_session_id", request.clientSessionId, 0, 200),
        agent: fields.line("agent", request.agent, 0, 100),
        host: fields.line("host", request.host, 0, 255),
        worktree: fields.line("worktree", request.worktree, 0, 1_024),
        branch: fields.line("branch", request.branch, 0, 255),
      };
      fields.done();
      return { session: sessionToProto(await openSession(deps, callerOf(context), opening)) };
    },

    async getSession(request, context) {
      return { session: sessionToProto(await getSession(deps, callerOf(context), sessionNameFromProto(request))) };
    },

    async listActiveSessions(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const size = fields.pageSize(request.pageSize);
      const after = sessionListKeyFromToken(fields, decodePageToken(ListActiveSessionsRequestSchema, request));
      fields.done();
      const page = await listActiveSessions(deps, callerOf(context), projectId, { size, after });
      return {
        sessions: page.items.map(sessionToProto),
        nextPageToken: encodePageToken(ListActiveSessionsRequestSchema, request, page.next),
      };
    },

    async heartbeatSession(request, context) {
      const view = await heartbeatSession(deps, callerOf(context), sessionNameFromProto(request));
      const { projectId, featureSlug } = view.session;
      const slugs = new Map(featureSlug === undefined ? [] : view.claims.map((c) => [c.featureId, featureSlug]));
      return { session: sessionToProto(view), claims: claimsToProto(projectId, view.claims, slugs) };
    },

    async closeSession(request, context) {
      const view = await closeSession(deps, callerOf(context), sessionNameFromProto(request), request.crashed);
      return { session: sessionToProto(view) };
    },
  };
}

/** Where a list of sessions goes on. */
function sessionListKeyFromToken(fields: FieldParser, key: unknown): SessionListKey | undefined {
  if (key === undefined) return undefined;
  const { openTime, id } = Object(key) as Partial<Record<keyof SessionListKey, unknown>>;
  const time = new Date(typeof openTime === "string" ? openTime : Number.NaN);
  if (Number.isNaN(time.getTime()) || typeof id !== "string") {
    fields.reject("page_token", "is not a token of this list");
    return undefined;
  }
  return { openTime: time, id: fields.id<SessionId>("page_token", id) };
}
