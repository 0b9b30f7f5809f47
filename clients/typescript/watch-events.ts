import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import type { EventFiltersSchema, WatchEventsResponse } from "@nexus/gen/nexus/v1/event_service_pb";
import { NexusError, type NexusErrorReason } from "./nexus-error.ts";
import { type RetryTimer, systemTimer } from "./retry.ts";

/** A project, and after which sequence to begin; 0 is the beginning, without one it is now. */
export interface WatchedProject {
  readonly projectId: string;
  readonly after?: bigint;
}

/** What to watch. */
export interface WatchRequest extends WatchedProject {
  readonly filters?: MessageInitShape<typeof EventFiltersSchema>;
  readonly moreProjects?: readonly WatchedProject[];
}

/** The call that is resumed. */
export interface EventSource {
  watchEvents(
    request: WatchRequest & { readonly moreProjects: WatchedProject[] },
    options?: CallOptions,
  ): AsyncIterable<WatchEventsResponse>;
}

/** How a watch comes back after a cut. */
export interface WatchOptions {
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** How long the first answer may take with all its attempts; 10 s when absent. */
  readonly timeoutMs?: number | undefined;
  /** How long the watch goes on trying after a cut; 10 min when absent. */
  readonly giveUpAfterMs?: number | undefined;
  /** Told of every cut, with the wait before the next attempt. */
  readonly onCut?: ((error: NexusError, waitMs: number) => void) | undefined;
  readonly timer?: RetryTimer | undefined;
}

const FIRST_TIMEOUT_MS = 10_000;
const GIVE_UP_AFTER_MS = 600_000;
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 10_000;
/** The server says something every 15 seconds; who says nothing for three times as long is gone. */
const SILENCE_MS = 45_000;

/** What a stream is resumed after. */
const RESUMABLE: ReadonlySet<NexusErrorReason> = new Set([
  "SERVER_UNREACHABLE",
  "SERVER_DRAINING",
  "WATCHER_TOO_SLOW",
  "STORE_UNAVAILABLE",
  "DEADLINE_EXCEEDED",
]);
/** What a broken connection, or a proxy in between, may look like in mid-stream. */
const BROKEN: ReadonlySet<NexusErrorReason> = new Set(["ANSWER_UNRECOGNISED", "CANCELLED", "INTERNAL"]);

/**
 * Watches events for as long as the caller reads: after a cut it goes on after the last sequence that arrived, so that
 * every event comes once and in order. Yields bookmarks, too. Ends when the signal is aborted.
 *
 * @throws NexusError when the server refuses for good (CREDENTIALS_INVALID, RESOURCE_NOT_FOUND, EVENT_CURSOR_EXPIRED,
 *   …), or can't be reached for too long
 */
export async function* watchEvents(
  events: EventSource,
  request: WatchRequest,
  options: WatchOptions = {},
): AsyncGenerator<WatchEventsResponse, void> {
  const { signal, timer = systemTimer, timeoutMs: firstTimeoutMs = FIRST_TIMEOUT_MS } = options;
  const cursors = new Map<string, bigint>();
  // A stream begins with a bookmark or an event.
  const silenceMs = () => (cursors.size > 0 ? SILENCE_MS : firstTimeoutMs);
  let lastMs = timer.now();
  for (let attempt = 0; ; attempt++) {
    let cut: NexusError;
    try {
      for await (const response of oneStream(events, resumed(request, cursors), signal, timer, silenceMs)) {
        lastMs = timer.now();
        attempt = 0;
        if (isNew(response, cursors)) yield response;
      }
      cut = new NexusError({
        code: "unavailable",
        reason: "SERVER_UNREACHABLE",
        message: "the stream of events ended",
      });
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof NexusError)) throw error;
      const begun = cursors.size > 0;
      if (!RESUMABLE.has(error.reason) && !(begun && BROKEN.has(error.reason))) throw error;
      cut = error;
    }
    if (signal?.aborted) return;
    const backoffMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.5 + timer.jitter() / 2);
    const waitMs = Math.max(backoffMs, cut.retryAfterMs ?? 0);
    const bound = cursors.size > 0 ? (options.giveUpAfterMs ?? GIVE_UP_AFTER_MS) : firstTimeoutMs;
    if (timer.now() + waitMs - lastMs > bound) throw cut;
    options.onCut?.(cut, waitMs);
    try {
      await timer.wait(waitMs, signal);
    } catch {
      return;
    }
  }
}

/** One call; ends it when nothing comes for so long although it is waited for. */
async function* oneStream(
  events: EventSource,
  request: ReturnType<typeof resumed>,
  signal: AbortSignal | undefined,
  timer: RetryTimer,
  silenceMs: () => number,
): AsyncGenerator<WatchEventsResponse, void> {
  const call = new AbortController();
  const abort = () => call.abort();
  signal?.addEventListener("abort", abort);
  const stream = events.watchEvents(request, { signal: call.signal })[Symbol.asyncIterator]();
  let silentMs = 0;
  try {
    for (;;) {
      if (signal?.aborted) return;
      const taken = new AbortController();
      // Only while it is waited for: who reads slowly must not be taken for a server that is gone.
      const mostMs = silenceMs();
      timer.wait(mostMs, taken.signal).then(
        () => {
          silentMs = mostMs;
          call.abort();
        },
        () => {},
      );
      const next = await stream.next().finally(() => taken.abort());
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    if (silentMs === 0) throw error;
    const message = `the server has said nothing for ${silentMs / 1_000} s`;
    throw new NexusError({ code: "unavailable", reason: "SERVER_UNREACHABLE", message, cause: error });
  } finally {
    signal?.removeEventListener("abort", abort);
    call.abort();
  }
}

/** The request that goes on where the last stream ended. */
function resumed(request: WatchRequest, cursors: ReadonlyMap<string, bigint>) {
  const from = <Watched extends WatchedProject>(watched: Watched): Watched => {
    const after = cursors.get(watched.projectId.toLowerCase());
    return after === undefined ? watched : { ...watched, after };
  };
  return { ...from(request), moreProjects: (request.moreProjects ?? []).map(from) };
}

/** Whether a message says something new; notes how far its project has come. */
function isNew({ message }: WatchEventsResponse, cursors: Map<string, bigint>): boolean {
  if (message.case === undefined) return false;
  const { projectId, sequence } = message.value;
  const cursor = cursors.get(projectId);
  if (cursor === undefined || sequence > cursor) cursors.set(projectId, sequence);
  return message.case === "bookmark" || cursor === undefined || sequence > cursor;
}
