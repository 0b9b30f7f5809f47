import { type Client, ConnectError } from "@connectrpc/connect";
import type { Event } from "@nexus/gen/nexus/v1/event_pb";
import type { EventService, WatchEventsResponse } from "@nexus/gen/nexus/v1/event_service_pb";
import { expect } from "vitest";

/** A stream of events that is read as fast as it comes. */
export interface Watch {
  readonly events: Event[];
  /** The sequences of the bookmarks. */
  readonly bookmarks: bigint[];
  /** How the stream ended: with an error, or undefined when without. Pending while it lasts. */
  readonly ended: Promise<ConnectError | undefined>;
  /** Waits until so many events have come. */
  count(events: number): Promise<void>;
  /** Ends it from this side. */
  stop(): void;
}

/** Watches; resolves when the stream has said where it begins. */
export async function watch(
  client: Pick<Client<typeof EventService>, "watchEvents">,
  request: Parameters<Client<typeof EventService>["watchEvents"]>[0],
): Promise<Watch> {
  const abort = new AbortController();
  const events: Event[] = [];
  const bookmarks: bigint[] = [];
  const begun = Promise.withResolvers<void>();
  const take = ({ message }: WatchEventsResponse) => {
    if (message.case === "event") events.push(message.value);
    if (message.case === "bookmark") bookmarks.push(message.value.sequence);
    begun.resolve();
  };
  const ended = (async () => {
    try {
      for await (const message of client.watchEvents(request, { signal: abort.signal })) take(message);
      return undefined;
    } catch (error) {
      return ConnectError.from(error);
    }
  })();
  ended.then((error) => begun.reject(error ?? new Error("the stream ended at once")));
  await begun.promise;
  return {
    events,
    bookmarks,
    ended,
    count: (wanted) => expect.poll(() => events.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(wanted),
    stop: () => abort.abort(),
  };
}

/** An event in one line: `3 ana login feature ready`. */
export function lineOf({ sequence, actor, featureSlug, payload }: Event): string {
  return [sequence, actor, featureSlug, payload.case, wordOf(payload)].filter((word) => word !== "").join(" ");
}

function wordOf(payload: Event["payload"]): string | number {
  switch (payload.case) {
    case "feature":
    case "claim":
    case "member":
    case "key":
      return payload.value.change;
    case "session":
      return payload.value.state;
    default:
      return "";
  }
}
