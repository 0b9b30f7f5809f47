import { setTimeout as sleep } from "node:timers/promises";
import type { NexusError, NexusErrorReason } from "./nexus-error.ts";

/** Where the retries read the time and wait. Times are milliseconds of a clock that never goes back. */
export interface RetryTimer {
  now(): number;
  /** Rejects when the signal is aborted. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** From 0 up to 1, so that many clients do not come back at once. */
  jitter(): number;
}

/** The machine's clock. */
export const systemTimer: RetryTimer = {
  now: () => performance.now(),
  wait: (ms, signal) => sleep(ms, undefined, { signal }),
  jitter: () => Math.random(),
};

/** How many attempts a call gets in all, by why the last one failed. Every other reason is final at once. */
const MAX_ATTEMPTS: Partial<Record<NexusErrorReason, number>> = {
  STORE_UNAVAILABLE: 8,
  CLAIMS_RECOVERING: 12,
  // Few and quick: a server that restarts is back soon, and somebody is waiting to hear that there is none.
  SERVER_UNREACHABLE: 5,
};
const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 2_000;
/** The longest that Node's timers can wait; a longer time would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What bounds the attempts of one call. */
export interface RetryOptions {
  /** For all attempts together, the waiting included; 0 or less is no bound. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Turns what an attempt threw into the error that decides. */
  readonly toError: (thrown: unknown) => Promise<NexusError>;
  readonly timer?: RetryTimer;
}

/**
 * Repeats a call while the server says that repeating is safe and useful, or while it can't be reached. The attempt
 * gets the milliseconds that are left (0: no bound). Every attempt has to send the same request id.
 *
 * Waits as long as google.rpc.RetryInfo asks, and at least 50 ms · 2ⁿ with jitter.
 *
 * @throws the last attempt's NexusError, also when the next wait would not fit into the time left
 */
export async function retryUnavailable<Answer>(
  attempt: (timeLeftMs: number) => Promise<Answer>,
  { timeoutMs, signal, toError, timer = systemTimer }: RetryOptions,
): Promise<Answer> {
  const deadline = timeoutMs > 0 ? timer.now() + timeoutMs : Number.POSITIVE_INFINITY;
  for (let attempts = 1; ; attempts += 1) {
    try {
      const left = Math.max(1, Math.ceil(deadline - timer.now()));
      return await attempt(timeoutMs > 0 ? Math.min(left, MAX_TIMER_MS) : 0);
    } catch (thrown) {
      const error = await toError(thrown);
      if (attempts >= (MAX_ATTEMPTS[error.reason] ?? 1)) throw error;
      const backoff = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempts - 1)) * (1 + timer.jitter() / 2);
      const delay = Math.max(backoff, error.retryAfterMs ?? 0);
      if (timer.now() + delay >= deadline) throw error;
      try {
        await timer.wait(delay, signal);
      } catch {
        throw error;
      }
    }
  }
}
