import type { ServiceImpl } from "@connectrpc/connect";
import { ListActiveSessionsRequestSchema, type SessionService } from "@nexus/gen/nexus/v1/session_service_pb";
import type { FeatureDeps } from "../domain/features/deps.ts";
import { getLatestCheckpoint, saveCheckpoint } from "../domain/features/save-checkpoint.ts";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId, SessionId } from "../domain/ids.ts";
import { openSession } from "../domain/sessions/open-session.ts";
import type { SessionListKey } from "../domain/sessions/session-store.ts";
import { closeSession, getSession, heartbeatSession, listActiveSessions } from "../domain/sessions/use-session.ts";
import { callerOf } from "./context.ts";
import { checkpointContentFromProto, checkpointToProto } from "./convert/checkpoint.ts";
import { claimsToProto, lostClaimToProto } from "./convert/claim.ts";
import { sessionNameFromProto, sessionToProto } from "./convert/session.ts";
import { decodePageToken, encodePageToken, timeFromToken } from "./page-token.ts";

/** Claims that a heartbeat may ask about: more than a feature may have. */
const MAX_BELIEVED = 100;

/** SessionService over the domain. */
export function sessionService(deps: FeatureDeps): ServiceImpl<typeof SessionService> {
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
        eventCursor: page.eventCursor,
      };
    },

    async heartbeatSession(request, context) {
      const fields = new FieldParser();
      fields.atMost("fencing_tokens", request.fencingTokens, MAX_BELIEVED);
      fields.done();
      const name = sessionNameFromProto(request);
      const view = await heartbeatSession(deps, callerOf(context), name, request.fencingTokens);
      const held = view.claims.filter((claim) => claim.state !== "draining");
      const claims = claimsToProto(view.session.projectId, held, view.slugs);
      return { session: sessionToProto(view), claims, lost: view.lost.map(lostClaimToProto) };
    },

    async closeSession(request, context) {
      const view = await closeSession(deps, callerOf(context), sessionNameFromProto(request), request.crashed);
      return { session: sessionToProto(view) };
    },

    async saveCheckpoint(request, context) {
      const { fencingToken } = request;
      const fields = new FieldParser();
      const origin = {
        projectId: fields.id<ProjectId>("project_id", request.projectId),
        sessionId: fields.id<SessionId>("session_id", request.sessionId),
        fencingToken: fencingToken === 0n ? undefined : fencingToken,
      };
      const content = checkpointContentFromProto(fields, request);
      fields.done();
      return { checkpoint: checkpointToProto(await saveCheckpoint(deps, callerOf(context), origin, content)) };
    },

    async getLatestCheckpoint(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const { sessionId, slug } = request;
      if (sessionId === "" && slug === "") fields.reject("session_id", "is required, or slug");
      const of = {
        sessionId: sessionId === "" ? undefined : fields.id<SessionId>("session_id", sessionId),
        featureSlug: slug === "" ? undefined : fields.slug("slug", slug),
      };
      fields.done();
      const checkpoint = await getLatestCheckpoint(deps, callerOf(context), projectId, of);
      return { checkpoint: checkpointToProto(checkpoint) };
    },
  };
}

/** Where a list of sessions goes on. */
function sessionListKeyFromToken(fields: FieldParser, key: unknown): SessionListKey | undefined {
  if (key === undefined) return undefined;
  const { openTime, id } = Object(key) as Partial<Record<keyof SessionListKey, unknown>>;
  const time = timeFromToken(openTime);
  if (time === undefined || typeof id !== "string") {
    fields.reject("page_token", "is not a token of this list");
    return undefined;
  }
  return { openTime: time, id: fields.id<SessionId>("page_token", id) };
}
