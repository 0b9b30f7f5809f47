import type { Blocker, Operation } from "./history.ts";

/** How long what an attempt has left behind may stand in others' way: its deadline, the lock-delay, and the sweep. */
const LEFTOVER_MS = 30_000;

/**
 * Tells whether a refusal may name a hold that no order of the operations shows: that of an attempt which was under way
 * at that moment, or had failed shortly before. Such a claim is provisional, and blocks until somebody has looked.
 */
export function unfinishedAttempts(
  operations: readonly Operation[],
): (refusal: Operation, blocker: Blocker) => boolean {
  const attempts = new Map<string, Operation[]>();
  for (const operation of operations) {
    const { call } = operation;
    if (call.do !== "pick" && call.do !== "extend") continue;
    const key = `${call.session} ${call.feature}`;
    attempts.set(key, [...(attempts.get(key) ?? []), operation]);
  }
  return (refusal, { session, feature }) =>
    (attempts.get(`${session} ${feature}`) ?? []).some((attempt) => {
      const leftover = attempt.answer.kind === "granted" && attempt.retried !== true ? 0 : LEFTOVER_MS;
      const sent = attempt.invoke;
      const over = Number.isFinite(attempt.return) ? attempt.return : sent;
      return sent <= refusal.return && over + leftover >= refusal.invoke;
    });
}
