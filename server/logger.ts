import { pino } from "pino";

export type { Logger } from "pino";

/** The server's log: one JSON object a line on stdout. No secret ever goes into it. */
export function createLogger(level: string) {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
