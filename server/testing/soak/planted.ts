import type { History, Operation } from "./history.ts";

/** A history that must be rejected, made of a real one. */
export interface PlantedHistory {
  readonly lie: string;
  readonly operations: readonly Operation[];
}

/**
 * Real histories with one lie each: what a server with a certain defect would have answered. A checker that accepts any
 * of them has not looked. There are four, fewer where too little has happened for one of them.
 */
export function plantLies({ operations }: History): PlantedHistory[] {
  const lies = [grantedTwice, tokensSwapped, revived, releasedByNobody].map((plant) => plant(operations));
  return lies.filter((lie) => lie !== undefined);
}

/** Somebody is granted a feature in the middle of somebody else's hold. */
function grantedTwice(operations: readonly Operation[]): PlantedHistory | undefined {
  const hold = someHold(operations);
  if (hold === undefined) return undefined;
  const { pick, end } = hold;
  const at = (share: number) => pick.return + (end.invoke - pick.return) * share;
  const session = "an impostor's session";
  const { token, touches } = granted(pick);
  return {
    lie: "granted twice",
    operations: [
      ...operations,
      {
        call: { do: "open", client: "impostor" },
        answer: { kind: "opened", session },
        invoke: at(0.1),
        return: at(0.2),
      },
      {
        call: { do: "pick", session, feature: featureOf(pick) },
        answer: { kind: "granted", token: token + 1n, touches },
        invoke: at(0.3),
        return: at(0.4),
      },
    ],
  };
}

/** Two holds of one feature, one after the other, have each other's token throughout. */
function tokensSwapped(operations: readonly Operation[]): PlantedHistory | undefined {
  const picks = holdsOf(operations);
  for (const [index, { pick: first }] of picks.entries()) {
    const second = picks.slice(index + 1).find(({ pick }) => featureOf(pick) === featureOf(first))?.pick;
    if (second === undefined || second.invoke <= first.return) continue;
    const [a, b] = [granted(first).token, granted(second).token];
    const swap = (token: bigint) => (token === a ? b : token === b ? a : token);
    return { lie: "tokens fall", operations: operations.map((operation) => withTokens(operation, swap)) };
  }
  return undefined;
}

/** A session gives a sign of life after it was told that it has ended. */
function revived(operations: readonly Operation[]): PlantedHistory | undefined {
  const told = operations.find(
    ({ call, answer }) => call.do === "heartbeat" && answer.kind === "refused" && answer.reason === "SESSION_EXPIRED",
  );
  const closed = operations.find(({ call, answer }) => call.do === "close" && answer.kind === "ended");
  const last = told ?? closed;
  if (last === undefined || last.call.do === "open") return undefined;
  return {
    lie: "revived",
    operations: [
      ...operations,
      {
        call: { do: "heartbeat", session: last.call.session },
        answer: { kind: "alive", tokens: [] },
        invoke: last.return + 1,
        return: last.return + 2,
      },
    ],
  };
}

/** The end of a hold is missing, and its session lives on: who came next had no right to. */
function releasedByNobody(operations: readonly Operation[]): PlantedHistory | undefined {
  const holds = holdsOf(operations);
  for (const { pick, end } of holds) {
    const next = holds.find(({ pick: other }) => featureOf(other) === featureOf(pick) && other.invoke > end.return);
    const session = sessionOf(pick);
    const alive = operations.some(
      ({ call, answer, invoke }) =>
        call.do === "heartbeat" &&
        call.session === session &&
        answer.kind === "alive" &&
        invoke > (next?.pick.return ?? Infinity),
    );
    if (next !== undefined && alive) {
      return { lie: "granted without a release", operations: operations.filter((operation) => operation !== end) };
    }
  }
  return undefined;
}

interface Hold {
  readonly pick: Operation;
  readonly end: Operation;
}

/** Holds that were granted and then ended by their holder, both answered. */
function holdsOf(operations: readonly Operation[]): Hold[] {
  const holds: Hold[] = [];
  for (const pick of operations) {
    if (pick.call.do !== "pick" || pick.answer.kind !== "granted") continue;
    const { token } = pick.answer;
    const end = operations.find(
      ({ call, answer }) =>
        (call.do === "release" || call.do === "done") && call.token === token && answer.kind === "ended",
    );
    if (end !== undefined && end.invoke > pick.return) holds.push({ pick, end });
  }
  return holds.sort((a, b) => a.pick.invoke - b.pick.invoke);
}

/** One from the middle, where most is going on. */
function someHold(operations: readonly Operation[]): Hold | undefined {
  const holds = holdsOf(operations);
  return holds[Math.floor(holds.length / 2)];
}

function granted({ answer }: Operation) {
  if (answer.kind !== "granted") throw new Error("not granted");
  return answer;
}

function featureOf({ call }: Operation): string {
  return "feature" in call ? call.feature : "";
}

function sessionOf({ call }: Operation): string {
  return "session" in call ? call.session : "";
}

function withTokens(operation: Operation, swap: (token: bigint) => bigint): Operation {
  const { call, answer } = operation;
  return {
    ...operation,
    call: "token" in call ? { ...call, token: swap(call.token) } : call,
    answer:
      answer.kind === "granted"
        ? { ...answer, token: swap(answer.token) }
        : answer.kind === "alive"
          ? { ...answer, tokens: answer.tokens.map(swap) }
          : answer,
  };
}
