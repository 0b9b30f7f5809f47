import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type EventService,
  ListEventsRequestSchema,
  type WatchEventsRequest,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "@nexus/gen/nexus/v1/event_service_pb";
import type { StreamMessage } from "../domain/events/event-stream.ts";
import { type EventDeps, listEvents, type ProjectCursor, watchEvents } from "../domain/events/read-events.ts";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId } from "../domain/ids.ts";
import { callerOf, cutKey } from "./context.ts";
import { askedEventsFromProto, eventToProto } from "./convert/event.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";

/** Projects on one stream: where it had come in each still fits into the error that ends it. */
const MAX_PROJECTS = 50;

/** EventService over the domain. */
export function eventService(deps: EventDeps): ServiceImpl<typeof EventService> {
  return {
    async listEvents(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const asked = askedEventsFromProto(fields, request.filters);
      const size = fields.pageSize(request.pageSize);
      const after = sequenceFromToken(fields, decodePageToken(ListEventsRequestSchema, request));
      fields.done();
      const page = await listEvents(deps, callerOf(context), projectId, asked, { size, after });
      return {
        events: page.items.map(eventToProto),
        nextPageToken: encodePageToken(ListEventsRequestSchema, request, page.next?.toString()),
        eventCursor: page.latest,
      };
    },

    async *watchEvents(request, context) {
      const fields = new FieldParser();
      const projects = projectsFromProto(fields, request);
      const asked = askedEventsFromProto(fields, request.filters);
      fields.done();
      const stream = await watchEvents(deps, callerOf(context), projects, asked, context.values.get(cutKey));
      // Who has gone away asks for nothing more: that alone would leave the stream waiting.
      const close = () => deps.hub.close(stream);
      context.signal.addEventListener("abort", close);
      try {
        if (context.signal.aborted) return;
        for await (const message of stream.messages()) yield streamMessageToProto(message);
      } finally {
        context.signal.removeEventListener("abort", close);
        close();
      }
    },
  };
}

function projectsFromProto(fields: FieldParser, request: WatchEventsRequest): ProjectCursor[] {
  fields.atMost("more_projects", request.moreProjects, MAX_PROJECTS - 1);
  const asked = [request, ...request.moreProjects.slice(0, MAX_PROJECTS - 1)];
  const seen = new Set<string>();
  return asked.map(({ projectId: given, after }, index) => {
    const at = index === 0 ? "" : `more_projects[${index - 1}].`;
    const projectId = fields.id<ProjectId>(`${at}project_id`, given);
    if (seen.has(projectId)) fields.reject(`${at}project_id`, `${projectId} is on this stream already`);
    seen.add(projectId);
    return { projectId, after, field: `${at}after` };
  });
}

function streamMessageToProto(message: StreamMessage): WatchEventsResponse {
  if (message.kind === "event") {
    return create(WatchEventsResponseSchema, { message: { case: "event", value: eventToProto(message.event) } });
  }
  const { projectId, sequence } = message;
  return create(WatchEventsResponseSchema, { message: { case: "bookmark", value: { projectId, sequence } } });
}

function sequenceFromToken(fields: FieldParser, key: unknown): bigint | undefined {
  if (key === undefined) return undefined;
  if (typeof key === "string" && /^\d{1,18}$/.test(key)) return BigInt(key);
  fields.reject("page_token", "is not a token of this list");
  return undefined;
}
