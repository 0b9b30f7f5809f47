import { oracleOverlap } from "../path-oracle.ts";
import type { HeldTouch, History, Operation } from "./history.ts";

/** Touches that a session has held for certain, from when it was told until it let go or its lease may have run out. */
interface CertainHold {
  readonly session: string;
  readonly feature: string;
  readonly token: bigint;
  readonly touches: readonly HeldTouch[];
  readonly asked: number;
  readonly from: number;
  readonly until: number;
}

/**
 * What must never be seen, told by looking at pairs of answers: two that held overlapping paths at the same time, and a
 * later grant on overlapping paths with a lower token. It shares nothing with the checker of linearizability but the
 * history. Answers a sentence for each violation.
 *
 * @param ttlMs of the project
 */
export function violationsOf({ operations }: History, ttlMs: number): string[] {
  const holds = certainHolds(operations, ttlMs).sort((a, b) => a.asked - b.asked);
  const violations: string[] = [];
  for (const [index, one] of holds.entries()) {
    for (const other of holds.slice(index + 1)) {
      const sameHold = one.session === other.session && one.feature === other.feature;
      if (sameHold || !conflict(one, other)) continue;
      if (other.from < one.until && one.from < other.until) {
        violations.push(`${describe(one)} and ${describe(other)} overlap`);
      }
      if (one.from < other.asked && one.token >= other.token) {
        violations.push(`${describe(other)} came after ${describe(one)}, with a token that is no greater`);
      }
    }
  }
  return violations;
}

function certainHolds(operations: readonly Operation[], ttlMs: number): CertainHold[] {
  const ends = new Map<string, number>();
  const leases = new Map<string, number>();
  for (const { call, answer, invoke } of operations) {
    if (call.do === "close") ends.set(call.session, Math.min(invoke, ends.get(call.session) ?? invoke));
    const session = answer.kind === "opened" ? answer.session : "session" in call ? call.session : undefined;
    const renews = answer.kind === "opened" || answer.kind === "alive" || answer.kind === "granted";
    if (renews && session !== undefined) leases.set(session, Math.max(invoke + ttlMs, leases.get(session) ?? 0));
  }
  const letGo = operations.filter(({ call }) => call.do === "release" || call.do === "done");
  return operations.flatMap(({ call, answer, invoke, return: from }) => {
    if (answer.kind !== "granted" || !("feature" in call)) return [];
    const { session, feature } = call;
    // Whoever holds it lets go of it for the first time after that, perhaps without being told.
    const over = letGo
      .filter((end) => end.invoke >= from && "feature" in end.call)
      .filter((end) => "session" in end.call && end.call.session === session && "feature" in end.call)
      .filter((end) => "feature" in end.call && end.call.feature === feature)
      .map((end) => end.invoke);
    const until = Math.min(...over, ends.get(session) ?? Infinity, leases.get(session) ?? from);
    const { token, touches } = answer;
    return [{ session, feature, token, touches, asked: invoke, from, until }];
  });
}

function conflict(a: CertainHold, b: CertainHold): boolean {
  if (a.feature === b.feature) return true;
  return a.touches.some((one) =>
    b.touches.some(
      (other) => (one.mode === "exclusive" || other.mode === "exclusive") && oracleOverlap(one.path, other.path),
    ),
  );
}

function describe({ session, feature, token, from, until }: CertainHold): string {
  return `${feature} of ${session} under ${token} (${Math.round(from)} to ${Math.round(until)} ms)`;
}
