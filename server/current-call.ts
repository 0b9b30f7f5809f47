import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes, randomUUID } from "node:crypto";
import type { TraceParent } from "./rpc/trace-parent.ts";

/** What a call waits for: a store, or its turn at something that does only so much at a time. */
export type Wait = "postgres" | "redis" | "queue";

/** Where a call stands among the spans of a trace (W3C Trace Context). */
export interface Trace {
  /** The caller's, or a new one. */
  readonly traceId: string;
  /** This call's own. */
  readonly spanId: string;
  /** The caller's span; undefined where the trace begins here. */
  readonly parentId: string | undefined;
}

/** One call from its first byte on; what it started goes on belonging to it when it has been answered. */
export class Call {
  /** What the answer's `x-request-id` says. */
  readonly id = randomUUID();
  readonly startedMs = performance.now();
  readonly trace: Trace;
  private readonly meters = new Map<Wait, Meter>();

  /** @param parent what the caller sent of its trace, if anything */
  constructor(parent?: TraceParent) {
    const { traceId, spanId: parentId } = parent ?? {};
    this.trace = { traceId: traceId ?? randomId(16), spanId: randomId(8), parentId };
  }

  /** Begins to wait; what it answers ends that. */
  wait(what: Wait): () => void {
    const meter = this.meters.get(what) ?? { open: 0, sinceMs: 0, totalMs: 0 };
    this.meters.set(what, meter);
    if (meter.open++ === 0) meter.sinceMs = performance.now();
    return () => {
      if (--meter.open === 0) meter.totalMs += performance.now() - meter.sinceMs;
    };
  }

  /** For how long it has waited for that, ms. What it waited for at the same time counts once. */
  waitedMs(what: Wait): number {
    const meter = this.meters.get(what);
    if (meter === undefined) return 0;
    return meter.totalMs + (meter.open === 0 ? 0 : performance.now() - meter.sinceMs);
  }
}

interface Meter {
  /** Waits under way. */
  open: number;
  /** Since when there has been one. */
  sinceMs: number;
  totalMs: number;
}

const calls = new AsyncLocalStorage<Call>();

/** Runs `work` as a part of the call. */
export function withinCall<T>(call: Call, work: () => T): T {
  return calls.run(call, work);
}

/** The call that the running code is a part of; undefined for what the server does by itself. */
export function currentCall(): Call | undefined {
  return calls.getStore();
}

/** Hexadecimal, and not all zeros: those stand for none. */
function randomId(bytes: number): string {
  const id = randomBytes(bytes);
  return id.some((byte) => byte !== 0) ? id.toString("hex") : randomId(bytes);
}
