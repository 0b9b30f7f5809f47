import { create } from "@bufbuild/protobuf";
import { type WatchEventsResponse, WatchEventsResponseSchema } from "@nexus/gen/nexus/v1/event_service_pb";
import { expect, test } from "vitest";
import { NexusError, type NexusErrorReason } from "./nexus-error.ts";
import type { RetryTimer } from "./retry.ts";
import { type WatchRequest, watchEvents } from "./watch-events.ts";

const PROJECT = "p";

/** One stream of the server: what it sends, then how it ends; a number is an event's sequence. */
type Script = readonly (number | { readonly bookmark: number } | NexusErrorReason | "silence")[];

/** A server that follows one script after the other, and repeats the last one. */
function serverOf(...scripts: readonly Script[]) {
  const requests: WatchRequest[] = [];
  return {
    requests,
    async *watchEvents(request: WatchRequest, { signal }: { signal?: AbortSignal } = {}) {
      requests.push(request);
      for (const step of scripts[Math.min(requests.length, scripts.length) - 1] ?? []) {
        if (step === "silence") {
          if (signal?.aborted) throw refusal("CANCELLED");
          await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(refusal("CANCELLED"))));
        } else if (typeof step === "string") throw refusal(step);
        else yield messageOf(step);
      }
    },
  };
}

function messageOf(step: number | { readonly bookmark: number }): WatchEventsResponse {
  const value = { projectId: PROJECT, sequence: BigInt(typeof step === "number" ? step : step.bookmark) };
  const message = typeof step === "number" ? { case: "event" as const, value } : { case: "bookmark" as const, value };
  return create(WatchEventsResponseSchema, { message });
}

function refusal(reason: NexusErrorReason): NexusError {
  return new NexusError({ code: "unavailable", reason, message: reason });
}

/** Waits between attempts pass at once; the wait for a silent server passes when the test says so. */
class TestTimer implements RetryTimer {
  readonly waits: number[] = [];
  readonly impatience = Promise.withResolvers<void>();
  readonly patience: number[] = [];
  #now = 0;

  /** The waits between attempts end with the caller's signal, if there is one. */
  constructor(readonly caller?: AbortSignal) {}

  now(): number {
    return this.#now;
  }
  async wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal !== this.caller) {
      this.patience.push(ms);
      const cancelled = new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject(new Error())));
      return Promise.race([this.impatience.promise, cancelled]);
    }
    this.waits.push(ms);
    this.#now += ms;
  }
  jitter(): number {
    return 1;
  }
}

/** The sequences of the first `count` events. */
async function take(count: number, ...args: Parameters<typeof watchEvents>): Promise<number[]> {
  const seen: number[] = [];
  for await (const { message } of watchEvents(...args)) {
    if (message.case === "event") seen.push(Number(message.value.sequence));
    if (seen.length === count) break;
  }
  return seen;
}

test("a stream that breaks is resumed after what arrived, and what comes twice is dropped", async () => {
  const server = serverOf([{ bookmark: 4 }, 5, 6, "SERVER_UNREACHABLE"], [5, 6, 7, "SERVER_DRAINING"], [8]);

  const seen = await take(4, server, { projectId: PROJECT }, { timer: new TestTimer() });

  expect(seen).toEqual([5, 6, 7, 8]);
  expect(server.requests.map(({ after }) => after)).toEqual([undefined, 6n, 7n]);
});

test("a bookmark is resumed after, so that 'from now' loses nothing that happens during the first cut", async () => {
  const server = serverOf([{ bookmark: 4 }], [5]);

  expect(await take(1, server, { projectId: PROJECT }, { timer: new TestTimer() })).toEqual([5]);

  expect(server.requests.map(({ after }) => after)).toEqual([undefined, 4n]);
});

test("each project of a stream is resumed for itself", async () => {
  const server = serverOf([5, "WATCHER_TOO_SLOW"], [6]);
  const moreProjects = [{ projectId: "q", after: 9n }];

  await take(2, server, { projectId: PROJECT, moreProjects }, { timer: new TestTimer() });

  expect(server.requests[1]).toMatchObject({ projectId: PROJECT, after: 5n, moreProjects });
});

test.each(["CREDENTIALS_INVALID", "RESOURCE_NOT_FOUND", "EVENT_CURSOR_EXPIRED", "REQUEST_INVALID"] as const)(
  "%s is final",
  async (reason) => {
    const server = serverOf([5, reason]);

    await expect(take(2, server, { projectId: PROJECT }, { timer: new TestTimer() })).rejects.toMatchObject({ reason });
  },
);

test("what is no server is final at the first attempt, and a cut in mid-stream", async () => {
  const stranger = serverOf(["ANSWER_UNRECOGNISED"]);
  const broken = serverOf([5, "ANSWER_UNRECOGNISED"], [6]);

  await expect(take(1, stranger, { projectId: PROJECT }, { timer: new TestTimer() })).rejects.toMatchObject({
    reason: "ANSWER_UNRECOGNISED",
  });
  expect(await take(2, broken, { projectId: PROJECT }, { timer: new TestTimer() })).toEqual([5, 6]);
});

test("attempts come slower and slower, and end: soon when nothing ever came, later when something did", async () => {
  const [never, once] = [new TestTimer(), new TestTimer()];

  const unreachable = take(1, serverOf(["SERVER_UNREACHABLE"]), { projectId: PROJECT }, { timer: never });
  const lost = take(
    9,
    serverOf([5, "SERVER_UNREACHABLE"], ["SERVER_UNREACHABLE"]),
    { projectId: PROJECT },
    { timer: once },
  );

  await expect(unreachable).rejects.toMatchObject({ reason: "SERVER_UNREACHABLE" });
  await expect(lost).rejects.toMatchObject({ reason: "SERVER_UNREACHABLE" });
  expect(never.waits).toEqual([100, 200, 400, 800, 1_600, 3_200]);
  expect(Math.max(...once.waits)).toBe(10_000);
  expect(once.now()).toBeGreaterThan(580_000);
});

test("an answer makes the next cut the first one again", async () => {
  const timer = new TestTimer();
  const cut: Script = [5, "SERVER_UNREACHABLE"];

  await take(2, serverOf(cut, ["SERVER_UNREACHABLE"], cut, [6]), { projectId: PROJECT }, { timer });

  expect(timer.waits).toEqual([100, 200, 100]);
});

test("a server that says nothing any more is given up for another attempt", async () => {
  const timer = new TestTimer();
  timer.impatience.resolve();

  expect(await take(2, serverOf([5, "silence"], [6]), { projectId: PROJECT }, { timer })).toEqual([5, 6]);
});

test("for the first word of a server the time of a call is waited, and then no more than a few attempts", async () => {
  const timer = new TestTimer();
  timer.impatience.resolve();

  const never = take(1, serverOf(["silence"]), { projectId: PROJECT }, { timer, timeoutMs: 300 });

  await expect(never).rejects.toMatchObject({ reason: "SERVER_UNREACHABLE" });
  expect(new Set(timer.patience)).toEqual(new Set([300]));
});

test("an aborted watch ends without an error, also while nothing comes", async () => {
  const stop = new AbortController();
  const server = serverOf([5, "silence"]);
  const seen: unknown[] = [];

  for await (const { message } of watchEvents(
    server,
    { projectId: PROJECT },
    { signal: stop.signal, timer: new TestTimer(stop.signal) },
  )) {
    seen.push(message.case);
    stop.abort();
  }

  expect(seen).toEqual(["event"]);
});
