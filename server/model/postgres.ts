import { claimsWhere } from "./redis.ts";
import { breakPromise, NOBODY, Row, SessionState, type State, Status, Work } from "./state.ts";

/*
 * The transactions of server/domain, each one atomic step on the state.
 */

export interface Commit {
  readonly session: number;
  readonly client: number;
  readonly request: number;
  readonly feature: number;
  readonly claim: number;
  readonly epoch: number;
  readonly revision: number;
  readonly touches: number;
}

/** Where the record of a request is kept. */
export function requestIndex(s: State, client: number, request: number): number {
  return (client * s.postgres.requests.length) / s.scope.clients + request;
}

/** The claim that a request was granted, DONE when it asked for none, undefined when it has no record. */
export function recordOf(s: State, client: number, request: number): number | undefined {
  const record = s.postgres.requests[requestIndex(s, client, request)] ?? 0;
  return record === 0 ? undefined : record - 1;
}

export function record(s: State, client: number, request: number, claim: number): void {
  s.postgres.requests[requestIndex(s, client, request)] = claim + 1;
}

/**
 * P2: the fence. `takesOver` is the claim that the feature was held by, NOBODY for a feature that was ready.
 */
export function commitPick(s: State, commit: Commit, takesOver: number): boolean {
  const { postgres } = s;
  const feature = postgres.features[commit.feature];
  const claim = s.claims[commit.claim];
  if (feature === undefined || claim === undefined) return false;
  const asFound =
    takesOver === NOBODY
      ? feature.status === Status.ready
      : feature.status === Status.active && feature.claim === takesOver;
  const busy =
    s.scope.mutant !== "one-feature" &&
    postgres.features.some((f, id) => id !== commit.feature && isHeldBy(f, commit.session));
  const fenced = claim.token > feature.token || s.scope.mutant === "token-order";
  const revised = feature.revision !== commit.revision && s.scope.mutant !== "revision";
  if (!mayCommit(s, commit) || !asFound || busy || !fenced || revised) return false;
  feature.status = Status.active;
  feature.session = commit.session;
  feature.claim = commit.claim;
  feature.token = claim.token;
  feature.interrupted = 0;
  for (const [id, row] of postgres.rows.entries()) {
    if (((claim.replaces >> id) & 1) === 0 || row !== Row.held) continue;
    postgres.rows[id] = Row.ending;
    // The same engineer takes over: whoever worked there before is told, and is no stranger.
    s.work[id] = Work.none;
  }
  insertRow(s, commit);
  return true;
}

/** P2 of an extension: the feature has to be active under the pick's claim. */
export function commitExtension(s: State, commit: Commit, pick: number): boolean {
  const feature = s.postgres.features[commit.feature];
  if (feature === undefined || !mayCommit(s, commit)) return false;
  if (!isHeldBy(feature, commit.session) || feature.claim !== pick) return false;
  feature.touches |= commit.touches;
  feature.revision++;
  insertRow(s, commit);
  return true;
}

function mayCommit(s: State, { session, client, request, claim, epoch }: Commit): boolean {
  const { postgres, scope } = s;
  return (
    (postgres.sessions[session] === SessionState.open || scope.mutant === "open-session") &&
    (postgres.epoch === epoch || scope.mutant === "epoch-of-commit") &&
    (recordOf(s, client, request) === undefined || scope.mutant === "request-record") &&
    postgres.rows[claim] === Row.none
  );
}

function insertRow(s: State, { client, request, claim, touches }: Commit): void {
  const { rows, touches: covered } = s.postgres;
  for (const [id, other] of s.claims.entries()) {
    const committed = rows[id] !== Row.none && rows[id] !== Row.void;
    const concerns = other.feature === s.claims[claim]?.feature || ((covered[id] ?? 0) & touches) !== 0;
    if (committed && concerns && other.token >= (s.claims[claim]?.token ?? 0)) {
      breakPromise(s, "tokens do not rise in grant order (invariant 5)");
    }
    if (committed && other.client === client && other.request === request) {
      breakPromise(s, "one request was granted twice (invariant 12)");
    }
  }
  rows[claim] = Row.held;
  covered[claim] = touches;
  record(s, client, request, claim);
}

/** Bars a claim from being committed, unless it was. Answers the state of its row then. */
export function voidUnlessCommitted(s: State, claim: number): number {
  const { rows } = s.postgres;
  if (rows[claim] !== Row.none) return rows[claim] ?? Row.none;
  if (s.scope.mutant !== "void-row") rows[claim] = Row.void;
  return Row.void;
}

export function isHeldBy(feature: { status: number; session: number }, session: number): boolean {
  return feature.status === Status.active && feature.session === session;
}

/** Ends the hold of a feature and every claim of it. Answers these, one bit each. */
export function endHold(s: State, id: number, to: number, how: "released" | "interrupted"): number {
  const { features, rows } = s.postgres;
  const feature = features[id];
  if (feature === undefined) return 0;
  feature.status = to;
  feature.session = feature.claim = NOBODY;
  feature.interrupted = how === "interrupted" ? 1 : 0;
  const ended = claimsWhere(s, (claim) => rows[claim] === Row.held && s.claims[claim]?.feature === id);
  for (let claim = 0; claim < s.claims.length; claim++) {
    if (((ended >> claim) & 1) === 1) rows[claim] = how === "interrupted" ? Row.draining : Row.ending;
  }
  return ended;
}

/** Done and release, under the token of a pick. Undefined when it is not held like that. */
export function endByHolder(s: State, session: number, id: number, claim: number, to: number): number | undefined {
  const feature = s.postgres.features[id];
  if (s.postgres.sessions[session] !== SessionState.open || feature === undefined) return undefined;
  if (!isHeldBy(feature, session)) return undefined;
  if (feature.claim !== claim) {
    if (s.scope.mutant !== "stale-token") return undefined;
    breakPromise(s, "a stale token changed something (invariant 5)");
  }
  return endHold(s, id, to, "released");
}

/** Ends an open session with its work; answers the claims of that. The epoch is the caller's to look at. */
export function endSessionRow(s: State, session: number, state: number, how: "released" | "interrupted"): number {
  const { sessions, features } = s.postgres;
  if (sessions[session] !== SessionState.open) return 0;
  sessions[session] = state;
  s.postgres.ending[session] = 1;
  const id = features.findIndex((feature) => isHeldBy(feature, session));
  return id < 0 ? 0 : endHold(s, id, Status.ready, how);
}

/** These were freed in Redis. */
export function markEnded(s: State, set: number): void {
  const { rows } = s.postgres;
  for (const [id, row] of rows.entries()) {
    if (((set >> id) & 1) === 1 && (row === Row.ending || row === Row.draining)) rows[id] = Row.ended;
  }
}
