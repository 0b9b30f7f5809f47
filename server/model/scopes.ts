import type { Scope } from "./state.ts";

export const PICK = ["pick"];
export const WORK = ["pick", "release"];

/** Two sessions that want the same feature, each on a server of its own; one alike the other. */
export const PAIR = { features: [1], sessions: 2, clients: 2, claims: 2, servers: 2, symmetric: true } as const;
/** Two features that touch the same path. */
export const OVERLAPPING = { ...PAIR, features: [1, 1] } as const;
/** Two clients who do different things. */
export const UNLIKE = { ...PAIR, symmetric: false } as const;
/** Somebody alone, with whatever an earlier call of theirs still does. */
export const ALONE = { ...PAIR, sessions: 1, clients: 1, symmetric: false } as const;
/** The second feature touches a path that the work on the first is extended by. */
export const EXTENDED = { ...UNLIKE, features: [1, 2], extension: 2, claims: 3 } as const;

/** Seconds in all; `make test` looks at these. */
export const SMALL: readonly Scope[] = [
  { name: "retries", ...PAIR, claims: 3, calls: [WORK, WORK], budgets: { calls: 2, retries: 1 } },
  { name: "a lease lapses", ...PAIR, calls: [PICK, PICK], budgets: { calls: 1, retries: 1, lapses: 1 } },
  { name: "Redis is emptied", ...PAIR, calls: [PICK, PICK], budgets: { calls: 1, retries: 1, flushes: 1 } },
  { name: "overlap", ...OVERLAPPING, calls: [PICK, PICK], budgets: { calls: 1, flushes: 1 } },
  { name: "failover", ...PAIR, calls: [PICK, PICK], budgets: { calls: 1, failovers: 1 } },
  {
    name: "late messages",
    ...PAIR,
    claims: 3,
    calls: [WORK, PICK],
    symmetric: false,
    budgets: { calls: 2, unanswered: 1 },
  },
  { name: "take-over", ...UNLIKE, calls: [PICK, ["take-over"]], budgets: { calls: 1, retries: 1, kills: 1 } },
  {
    name: "take-over of an extended feature",
    ...UNLIKE,
    extension: 2,
    claims: 3,
    calls: [["pick", "extend"], ["take-over"]],
    budgets: { calls: 2 },
  },
  { name: "extensions", ...EXTENDED, calls: [["pick", "extend", "release-paths"], PICK], budgets: { calls: 2 } },
  {
    name: "sessions",
    ...ALONE,
    sessions: 3,
    unopened: true,
    calls: [["open", "pick", "close"]],
    budgets: { calls: 3, retries: 1, lapses: 1 },
  },
  { name: "heartbeats", ...ALONE, calls: [["pick", "heartbeat"]], budgets: { calls: 2, retries: 1, lapses: 1 } },
  { name: "owners step in", ...PAIR, calls: [PICK, PICK], budgets: { calls: 1, forced: 1 } },
  { name: "owners, and Redis is emptied", ...ALONE, calls: [PICK], budgets: { calls: 1, forced: 1, flushes: 1 } },
  { name: "the clock jumps", ...PAIR, calls: [PICK, PICK], budgets: { calls: 1, jumps: 1 } },
  { name: "an audit", ...PAIR, calls: [PICK, PICK], budgets: { calls: 1, lapses: 1, audits: 1 } },
  {
    name: "an audit of sessions",
    ...ALONE,
    sessions: 3,
    unopened: true,
    calls: [["open", "pick", "close"]],
    budgets: { calls: 2, lapses: 1, flushes: 1, audits: 1 },
  },
  { name: "two recoveries", ...ALONE, servers: 3, calls: [WORK], budgets: { calls: 2, flushes: 1, duels: 1 } },
];

/** For single mutants: most of what they allow is in the others. */
export const HUNTING: readonly Scope[] = [
  { name: "a lapse and a flush", ...PAIR, calls: [PICK, PICK], budgets: { calls: 1, lapses: 1, flushes: 1 } },
  {
    name: "two features at once",
    ...UNLIKE,
    features: [1, 2],
    claims: 3,
    calls: [PICK, WORK],
    budgets: { calls: 2, retries: 1 },
  },
  { name: "a stale token", ...ALONE, calls: [WORK], budgets: { calls: 3, retries: 1, forced: 1 } },
];
