/** The caller's span, from its `traceparent` header. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
}

/** Version, trace, span and flags; what a later version may add comes after another dash. */
const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/**
 * Reads a `traceparent` header as W3C Trace Context has it. Undefined where there is none, or one that does not keep to
 * the letter: then the trace begins anew, as that recommendation says.
 */
export function parseTraceParent(header: string | undefined): TraceParent | undefined {
  const [, version, traceId, spanId, more] = TRACE_PARENT.exec(header ?? "") ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined) return undefined;
  // Version 00 ends after the flags, and ff is none.
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  return /^0+$/.test(traceId) || /^0+$/.test(spanId) ? undefined : { traceId, spanId };
}
