// The process of `make bench-events` that has the watchers: each on a connection of its own, as lean as can be.
import { request } from "node:http";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { WatchEventsRequestSchema, WatchEventsResponseSchema } from "@nexus/gen/nexus/v1/event_service_pb";
import type { WatchersOrder, WatchersReport } from "./events/messages.ts";
import { monotonicMs } from "./events/monotonic.ts";

/** Connections that are made at a time. */
const AT_ONCE = 50;
const HEADER_BYTES = 5;

const failures: string[] = [];

function tell(report: WatchersReport): void {
  process.send?.(report);
}

/** Watches over Connect on HTTP/1.1; resolves when the first message has come. */
function watch({ url, projectId }: WatchersOrder, key: string, received: number[]): Promise<void> {
  const message = toBinary(WatchEventsRequestSchema, create(WatchEventsRequestSchema, { projectId }));
  const envelope = Buffer.alloc(HEADER_BYTES + message.length);
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, HEADER_BYTES);
  const begun = Promise.withResolvers<void>();
  const call = request(`${url}/nexus.v1.EventService/WatchEvents`, {
    method: "POST",
    agent: false,
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/connect+proto",
      "connect-protocol-version": "1",
    },
  });
  call.on("error", (error) => failures.push(error.message));
  call.on("response", (response) => {
    let rest: Buffer = Buffer.alloc(0);
    response.on("data", (chunk: Buffer) => {
      const now = monotonicMs();
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUInt32BE(1)) {
        const end = HEADER_BYTES + rest.readUInt32BE(1);
        if (rest[0] === 0) take(rest.subarray(HEADER_BYTES, end), now);
        else failures.push(rest.subarray(HEADER_BYTES, end).toString());
        rest = rest.subarray(end);
      }
    });
  });
  const take = (bytes: Uint8Array, now: number) => {
    const { message: said } = fromBinary(WatchEventsResponseSchema, bytes);
    if (said.case === "event") received.push(Number(said.value.sequence), now);
    begun.resolve();
  };
  call.end(envelope);
  return begun.promise;
}

process.once("message", async (order: WatchersOrder) => {
  const received = order.keys.map((): number[] => []);
  for (let first = 0; first < received.length; first += AT_ONCE) {
    const some = received.slice(first, first + AT_ONCE);
    await Promise.all(some.map((sink, index) => watch(order, order.keys[first + index] ?? "", sink)));
  }
  process.on("message", (asked: "count" | "received") => {
    if (asked === "received") tell({ kind: "received", received, failures });
    else tell({ kind: "count", events: received.reduce((sum, one) => sum + one.length / 2, 0) });
  });
  tell({ kind: "watching" });
});
process.on("disconnect", () => process.exit());
