import { describe, expect, test } from "vitest";
import { violationsOf } from "./certain-holds.ts";
import { checkLinearizable } from "./checker.ts";
import type { Answer, Call, HeldTouch, History, Operation } from "./history.ts";
import { ClaimsSpec } from "./spec.ts";
import { unfinishedAttempts } from "./unfinished-attempts.ts";

const NEVER = Number.POSITIVE_INFINITY;
const src: readonly HeldTouch[] = [{ path: "a", mode: "exclusive" }];
const file: readonly HeldTouch[] = [{ path: "a/b", mode: "exclusive" }];
const features: History["features"] = new Map([
  ["login", src],
  ["other", file],
]);

/** `[from, to, call, answer]` */
type Line = readonly [number, number, Call, Answer];

function judge(...lines: readonly Line[]): string {
  const operations = lines.map(([invoke, end, call, answer]): Operation => ({ call, answer, invoke, return: end }));
  const spec = new ClaimsSpec({ features }, unfinishedAttempts(operations));
  return checkLinearizable(spec, operations).kind;
}

const open = (session: string): Line => [0, 1, { do: "open", client: session }, { kind: "opened", session }];
const pick = (from: number, to: number, session: string, feature: string, token: bigint): Line => [
  from,
  to,
  { do: "pick", session, feature },
  token === 0n ? { kind: "unknown" } : { kind: "granted", token, touches: features.get(feature) ?? [] },
];
const release = (from: number, to: number, session: string, feature: string, token: bigint): Line => [
  from,
  to,
  { do: "release", session, feature, token },
  { kind: to === NEVER ? "unknown" : "ended" },
];
const refused = (from: number, to: number, session: string, feature: string, by: [string, string]): Line => [
  from,
  to,
  { do: "pick", session, feature },
  { kind: "refused", reason: "CLAIM_CONFLICT", blockers: [{ session: by[0], feature: by[1] }] },
];
const expire = (from: number, session: string): Line => [from, NEVER, { do: "expire", session }, { kind: "unknown" }];

describe("a history is accepted", () => {
  test("when overlapping holds follow each other, also where their calls overlap", () => {
    expect(
      judge(
        open("s"),
        open("t"),
        pick(2, 3, "s", "login", 1n),
        pick(4, 9, "t", "other", 2n),
        release(5, 8, "s", "login", 1n),
      ),
    ).toBe("linearizable");
  });

  test("when a hold gives way to another after its session may have expired", () => {
    expect(
      judge(open("s"), open("t"), pick(2, 3, "s", "login", 1n), expire(10, "s"), pick(9, 12, "t", "other", 2n)),
    ).toBe("linearizable");
  });

  test("when a hold that nobody was told the end of has ended by its session's expiry, not by being done", () => {
    const done = { do: "done", session: "s", feature: "login", token: 1n } as const;
    expect(
      judge(
        open("s"),
        open("t"),
        pick(2, 3, "s", "login", 1n),
        [4, NEVER, done, { kind: "unknown" }],
        expire(5, "s"),
        pick(6, 7, "t", "other", 2n),
        release(8, 9, "t", "other", 2n),
        [10, 11, done, { kind: "refused", reason: "SESSION_EXPIRED", blockers: [] }],
        pick(12, 13, "t", "login", 3n),
      ),
    ).toBe("linearizable");
  });

  test("when a refusal names what an attempt has left behind that was not answered, though the next one was granted", () => {
    const [invoke, end, call, answer] = pick(2, 3, "s", "login", 2n);
    const operations = [
      open("s"),
      open("t"),
      release(4, 5, "s", "login", 2n),
      refused(6, 7, "t", "other", ["s", "login"]),
    ];
    const lines = operations.map(([invoke, end, call, answer]) => ({ call, answer, invoke, return: end }));
    const history = (retried: boolean) => [...lines, { call, answer, invoke, return: end, retried }];
    const judged = (retried: boolean) =>
      checkLinearizable(new ClaimsSpec({ features }, unfinishedAttempts(history(retried))), history(retried)).kind;

    // The freeing may come a moment after the answer: somebody gets the path first, so that nothing lingers.
    const taken = pick(5, 5.5, "t", "login", 3n);
    lines.push({ call: taken[2], answer: taken[3], invoke: taken[0], return: taken[1] });

    expect([judged(true), judged(false)]).toEqual(["linearizable", "not linearizable"]);
  });

  test("when only a release that nobody was told of explains the next hold", () => {
    expect(
      judge(
        open("s"),
        open("t"),
        pick(2, 3, "s", "login", 1n),
        release(4, NEVER, "s", "login", 1n),
        pick(5, 6, "t", "other", 2n),
      ),
    ).toBe("linearizable");
  });

  test("when a refusal names a pick that nobody was told of", () => {
    expect(
      judge(open("s"), open("t"), pick(2, NEVER, "s", "login", 0n), refused(3, 4, "t", "other", ["s", "login"])),
    ).toBe("linearizable");
  });
});

describe("a history is rejected", () => {
  test("when overlapping paths are held by two", () => {
    expect(
      judge(
        open("s"),
        open("t"),
        pick(2, 3, "s", "login", 1n),
        pick(4, 5, "t", "other", 2n),
        release(6, 7, "s", "login", 1n),
      ),
    ).toBe("not linearizable");
  });

  test("when a hold gives way before its session can have expired", () => {
    expect(
      judge(open("s"), open("t"), pick(2, 3, "s", "login", 1n), expire(10, "s"), pick(4, 5, "t", "other", 2n)),
    ).toBe("not linearizable");
  });

  test("when a later hold of the same path has a lower token", () => {
    expect(
      judge(
        open("s"),
        open("t"),
        pick(2, 3, "s", "login", 2n),
        release(4, 5, "s", "login", 2n),
        pick(6, 7, "t", "other", 1n),
      ),
    ).toBe("not linearizable");
  });

  test("when a refusal names somebody who never held it", () => {
    expect(judge(open("s"), open("t"), refused(3, 4, "t", "other", ["s", "login"]))).toBe("not linearizable");
  });

  test("when an expired session completes its feature", () => {
    const told: Line = [
      12,
      13,
      { do: "heartbeat", session: "s" },
      { kind: "refused", reason: "SESSION_EXPIRED", blockers: [] },
    ];
    const done: Line = [14, 15, { do: "done", session: "s", feature: "login", token: 1n }, { kind: "ended" }];
    expect(judge(open("s"), pick(2, 3, "s", "login", 1n), expire(10, "s"), told, done)).toBe("not linearizable");
  });

  test("when a sign of life no longer names what is held", () => {
    const empty: Line = [4, 5, { do: "heartbeat", session: "s" }, { kind: "alive", tokens: [] }];
    expect(judge(open("s"), pick(2, 3, "s", "login", 1n), empty)).toBe("not linearizable");
  });
});

test("a search that reaches its bound has not accepted anything", () => {
  const operations = [open("s"), pick(2, 3, "s", "login", 1n)].map(
    ([invoke, end, call, answer]): Operation => ({ call, answer, invoke, return: end }),
  );
  const spec = new ClaimsSpec({ features }, unfinishedAttempts(operations));
  expect(checkLinearizable(spec, operations, 0).kind).toBe("given up");
});

test("two that were told that they hold overlapping paths are seen without any search", () => {
  const lines = [open("s"), open("t"), pick(2, 3, "s", "login", 1n), pick(4, 5, "t", "other", 2n)];
  const operations = lines.map(([invoke, end, call, answer]): Operation => ({ call, answer, invoke, return: end }));
  expect(violationsOf({ operations, features }, 100)).toHaveLength(1);
  expect(violationsOf({ operations, features }, 1)).toHaveLength(0);
});
