import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import type { CallReport } from "./rpc/interceptors/report-call.ts";

/** A call that takes this long says in the log what it waited for. */
const SLOW_MS = 500;

/**
 * Counts each call and logs it in one line.
 *
 * @param slowMs from when on a call counts as slow
 */
export function callLog(logger: Logger, metrics: Metrics, slowMs = SLOW_MS): (report: CallReport) => void {
  return ({ call, method, code, reason, durationMs, engineerId, peer, stream, names, cause }) => {
    metrics.calls.observe({ method, code }, durationMs / 1_000);
    if (reason !== undefined) metrics.refusals.inc({ reason });
    const { traceId, spanId, parentId } = call.trace;
    const fields = {
      call: call.id,
      trace_id: traceId,
      span_id: spanId,
      parent_span_id: parentId,
      method,
      code,
      reason,
      ms: rounded(durationMs),
      engineer: engineerId,
      peer,
      ...names,
    };
    const slow = !stream && durationMs >= slowMs;
    const waits = slow && {
      redis_ms: rounded(call.waitedMs("redis")),
      postgres_ms: rounded(call.waitedMs("postgres")),
      queue_ms: rounded(call.waitedMs("queue")),
    };
    if (cause !== undefined) logger.error({ ...fields, ...waits, err: cause }, "call failed");
    else if (slow) logger.warn({ ...fields, ...waits }, "slow call");
    else logger.info(fields, "call");
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
