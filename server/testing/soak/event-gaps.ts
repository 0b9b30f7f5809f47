import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { EventService } from "@nexus/gen/nexus/v1/event_service_pb";

const PAGE_SIZE = 500;

/**
 * Sequences that are missing from a project's event log, in words; undefined where the server keeps none yet.
 *
 * @throws ConnectError
 */
export async function eventGaps(url: string, key: string, projectId: string): Promise<string[] | undefined> {
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: "1.1",
    interceptors: [
      (next) => (call) => {
        call.header.set("authorization", `Bearer ${key}`);
        return next(call);
      },
    ],
  });
  const events = createClient(EventService, transport);
  const gaps: string[] = [];
  let last = 0n;
  for (let pageToken = ""; ; ) {
    try {
      const page = await events.listEvents({ projectId, pageSize: PAGE_SIZE, pageToken });
      for (const { sequence } of page.events) {
        if (sequence !== last + 1n) gaps.push(`event ${sequence} follows ${last}`);
        last = sequence;
      }
      pageToken = page.nextPageToken;
    } catch (error) {
      if (ConnectError.from(error).code === Code.Unimplemented) return undefined;
      throw error;
    }
    if (pageToken === "") return gaps;
  }
}
