import { HUNTING, SMALL } from "./scopes.ts";
import type { Scope } from "./state.ts";

/** The protocol without one of its conditions, and where the model shows that it is needed. */
export interface Mutant {
  readonly name: string;
  /** What it does without, in the words of CLAIMS. */
  readonly lacks: string;
  /** A scope in which that is found out. */
  readonly scope: string;
}

export const MUTANTS: readonly Mutant[] = [
  { name: "epoch-of-commit", lacks: "P2 does not ask for the epoch of P1", scope: "overlap" },
  { name: "epoch-of-expire", lacks: "Expire does not ask for the epoch of the lapse", scope: "a lapse and a flush" },
  { name: "expire-in-any-epoch", lacks: "Expire goes on in Redis under another epoch", scope: "an audit of sessions" },
  { name: "void-row", lacks: "nothing bars an unfinished attempt from being committed", scope: "overlap" },
  { name: "confirm", lacks: "answers without P3, from the record or the commit alone", scope: "a lease lapses" },
  {
    name: "entries-without-cid",
    lacks: "Redis has one entry a path, whoever's attempt it is",
    scope: "a lease lapses",
  },
  { name: "request-record", lacks: "P2 does not ask whether the request has a record", scope: "retries" },
  { name: "refusal-without-record", lacks: "a refusal does not read the record once more", scope: "retries" },
  { name: "open-session", lacks: "P2 does not ask whether the session is open", scope: "a lease lapses" },
  {
    name: "revision",
    lacks: "P2 does not ask for the touches that P0 read",
    scope: "take-over of an extended feature",
  },
  { name: "one-feature", lacks: "a session may hold two features", scope: "two features at once" },
  { name: "reread", lacks: "answers what was confirmed, though it may have ended since", scope: "owners step in" },
  { name: "stale-token", lacks: "done and release do not compare the token", scope: "a stale token" },
  { name: "redis-first", lacks: "a release frees Redis before Postgres", scope: "retries" },
  { name: "take-over-frees-early", lacks: "a take-over frees the old claim in P1", scope: "take-over" },
  { name: "heartbeat-revives", lacks: "a heartbeat revives a lapsed lease", scope: "heartbeats" },
  { name: "lock-delay", lacks: "what ends uncleanly is free at once", scope: "a lease lapses" },
  { name: "settle-frees-draining", lacks: "settling frees what drains already", scope: "owners step in" },
  { name: "draining-not-rebuilt", lacks: "a rebuild forgets what drains", scope: "a lapse and a flush" },
  { name: "server-identity", lacks: "data that another process of Redis left is served", scope: "failover" },
  { name: "clock-gap", lacks: "leases lapse by a clock that has jumped", scope: "the clock jumps" },
];

/** The scope that a mutant is hunted in. */
export function scopeOf(mutant: Mutant): Scope {
  const scope = [...SMALL, ...HUNTING].find(({ name }) => name === mutant.scope);
  if (scope === undefined) throw new Error(`no scope ${mutant.scope}`);
  return { ...scope, mutant: mutant.name };
}
