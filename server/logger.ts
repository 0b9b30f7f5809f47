import { type DestinationStream, pino } from "pino";
import { currentCall } from "./current-call.ts";

export type { Logger } from "pino";

/** An API key, whole, wherever somebody put it. */
const API_KEY = /nxs_[0-9A-Za-z]{12}_[0-9A-Za-z]+/g;

/**
 * The server's log: one JSON object a line, on stdout unless told otherwise. No secret ever goes into it. What belongs
 * to a call says so, also what that call left to be done behind it.
 */
export function createLogger(level: string, destination?: DestinationStream) {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: errorToLog },
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const call = currentCall();
        if (call === undefined) return {};
        const { traceId, spanId, parentId } = call.trace;
        return { call: call.id, trace_id: traceId, span_id: spanId, parent_span_id: parentId };
      },
      // Nobody is meant to write one, but people mistake fields, and a refusal repeats what was asked.
      hooks: { streamWrite: (line) => line.replace(API_KEY, "nxs_…") },
    },
    destination,
  );
}

/** Of an error, and what caused it, what tells where it came from; nothing that drivers add to it, such as rows. */
function errorToLog(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const causes = [...withCauses(error)];
  return {
    type: error.constructor.name,
    code: causes.map((cause) => Reflect.get(cause, "code") as unknown).find((code) => code !== undefined),
    message: causes.map(messageOf).join(": "),
    stack: causes.map((cause) => messageOf(cause) + framesOf(cause)).join("\ncaused by: "),
  };
}

function* withCauses(error: Error): Generator<Error> {
  const seen = new Set<unknown>();
  for (let next: unknown = error; next instanceof Error && !seen.has(next); next = next.cause) {
    seen.add(next);
    yield next;
  }
}

/**
 * A failed query tells its parameters, which may be hashes of keys or what people wrote: the log is no place for them.
 */
function messageOf(error: Error): string {
  const { query, params } = error as { readonly query?: unknown; readonly params?: unknown };
  return params === undefined ? error.message : `Failed query: ${query}`;
}

/** The stack without the message that it begins with. */
function framesOf({ stack = "", message }: Error): string {
  const at = stack.indexOf(message);
  return at === -1 ? "" : stack.slice(at + message.length);
}
