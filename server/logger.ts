import { pino } from "pino";

export type { Logger } from "pino";

/** The server's log: one JSON object a line on stdout. No secret ever goes into it. */
export function createLogger(level: string) {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: Error) => withoutParameters(pino.stdSerializers.err(error)) },
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** A failed query tells its parameters, which may be hashes of keys or what people wrote: the log is no place for them. */
function withoutParameters<Logged extends { message: string; stack: string }>(error: Logged): Logged {
  const cut = (text: string) => text.replace(/^params: .*$/gm, "params: …");
  return { ...error, message: cut(error.message), stack: cut(error.stack), params: undefined };
}
