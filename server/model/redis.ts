import { breakPromise, Lease, Live, NOBODY, type Redis, type State, Work } from "./state.ts";

/*
 * The scripts of server/storage/redis/lua, each one atomic step on the state.
 */

/** Whether a script under this epoch is served; else it changes nothing and answers RECOVERING. */
export function isServed(s: State, epoch: number): boolean {
  const { redis } = s;
  if (redis.foreign === 1 && s.scope.mutant !== "server-identity") return false;
  return redis.epoch === epoch && redis.ready === 1;
}

export function isAlive({ leases }: Redis, session: number): boolean {
  return leases[session] === Lease.live;
}

/** Whether a claim stands in anybody's way. */
function blocks(redis: Redis, claim: number): boolean {
  return redis.claims[claim] !== Live.none && redis.claims[claim] !== Live.drained;
}

export interface Acquire {
  readonly session: number;
  readonly client: number;
  readonly request: number;
  readonly feature: number;
  readonly touches: number;
  /** Claims that are taken over from, one bit each. */
  readonly replaces: number;
  /** The pick's claim, when this one extends it. */
  readonly alongside: number;
}

export type Acquired =
  | { readonly kind: "granted" | "blocked"; readonly claim: number }
  | { readonly kind: "session-expired" | "claim-gone" | "no-claim-left" };

/** acquire-claim.lua. `blocked` names a claim of a lapsed session first, then one of the session's own attempts. */
export function acquire(s: State, asked: Acquire): Acquired {
  const { redis, claims } = s;
  if (!isAlive(redis, asked.session)) return { kind: "session-expired" };
  const isOwn = (claim: number) =>
    claims[claim]?.feature === asked.feature &&
    claims[claim]?.session === asked.session &&
    redis.claims[claim] !== Live.draining;
  const extends_ = asked.alongside !== NOBODY;
  if (extends_ && !(blocks(redis, asked.alongside) && isOwn(asked.alongside))) return { kind: "claim-gone" };
  let blocker = NOBODY;
  let rank = 0;
  for (const [id, claim] of claims.entries()) {
    if (!blocks(redis, id)) continue;
    const sameFeature = claim.feature === asked.feature;
    if (sameFeature && (((asked.replaces >> id) & 1) === 1 || (extends_ && isOwn(id)))) continue;
    const overlaps = ((redis.touches[id] ?? 0) & asked.touches) !== 0;
    if (!overlaps && (extends_ || !sameFeature)) continue;
    const lapsed = redis.claims[id] !== Live.draining && !isAlive(redis, claim.session);
    const mine = redis.claims[id] === Live.provisional && claim.session === asked.session;
    const rankHere = lapsed ? 3 : mine ? 2 : 1;
    if (rankHere > rank) [blocker, rank] = [id, rankHere];
  }
  if (blocker !== NOBODY) return { kind: "blocked", claim: blocker };
  if (claims.length >= s.scope.claims) return { kind: "no-claim-left" };
  redis.counter++;
  const { session, feature, client, request, replaces } = asked;
  const claim =
    claims.push({ session, feature, client, request, replaces, token: redis.epoch * 8 + redis.counter }) - 1;
  redis.claims[claim] = Live.provisional;
  redis.touches[claim] = asked.touches;
  if (s.scope.mutant === "take-over-frees-early") release(s, replaces);
  return { kind: "granted", claim };
}

/** confirm-claim.lua */
export function confirm(s: State, claim: number): "confirmed" | "session-expired" | "gone" {
  const { redis, claims } = s;
  const { session = NOBODY, replaces = 0 } = claims[claim] ?? {};
  if (redis.claims[claim] === Live.none) return "gone";
  if (!isAlive(redis, session)) return "session-expired";
  if (redis.claims[claim] === Live.draining || redis.claims[claim] === Live.drained) return "gone";
  redis.claims[claim] = Live.held;
  release(s, replaces);
  return "confirmed";
}

/** release-claims.lua: the claims of a set, one bit each. */
export function release(s: State, set: number): void {
  const { redis } = s;
  for (let claim = 0; set >> claim !== 0; claim++) {
    if (((set >> claim) & 1) === 0) continue;
    const touches = redis.touches[claim] ?? 0;
    redis.claims[claim] = Live.none;
    redis.touches[claim] = 0;
    if (s.scope.mutant !== "entries-without-cid") continue;
    // One entry a path, whoever's: freeing it frees it for all.
    for (const [other, covered] of redis.touches.entries()) {
      if ((covered & touches) === 0) continue;
      redis.touches[other] = covered & ~touches;
      if (redis.touches[other] === 0) redis.claims[other] = Live.none;
    }
  }
}

/** drain-claims.lua */
export function drain(s: State, set: number): void {
  const { redis } = s;
  for (let claim = 0; set >> claim !== 0; claim++) {
    if (((set >> claim) & 1) === 0) continue;
    if (redis.claims[claim] !== Live.provisional && redis.claims[claim] !== Live.held) continue;
    if (s.scope.mutant === "lock-delay") release(s, 1 << claim);
    else redis.claims[claim] = Live.draining;
  }
}

/** end-session.lua: what the session still has there drains. */
export function endSession(s: State, session: number): void {
  s.redis.leases[session] = Lease.none;
  drain(
    s,
    claimsWhere(s, (claim) => s.claims[claim]?.session === session),
  );
}

/** heartbeat-session.lua; open-session.lua where a lease that is not known begins. */
export function renew(s: State, session: number, opens: boolean): "alive" | "session-expired" {
  const { leases } = s.redis;
  const lease = leases[session];
  if (lease === Lease.live) return "alive";
  if (s.scope.mutant === "heartbeat-revives" || (opens && lease === Lease.none)) {
    leases[session] = Lease.live;
    return "alive";
  }
  return "session-expired";
}

/** retain-touches.lua */
export function retain(s: State, claim: number, touches: number): void {
  const { redis } = s;
  if (redis.claims[claim] !== Live.none) redis.touches[claim] = (redis.touches[claim] ?? 0) & touches;
}

/** begin-rebuild.lua: forgets everything. */
export function beginRebuild(s: State, epoch: number): boolean {
  const { redis } = s;
  if (redis.epoch > epoch || (redis.epoch === epoch && redis.ready === 1 && redis.foreign === 0)) return false;
  wipe(redis);
  redis.epoch = epoch;
  return true;
}

/** Whether the rebuild that owns this epoch may go on; only one rebuild ever raised Postgres to it. */
export function isRebuilding({ redis }: State, epoch: number): boolean {
  return redis.epoch === epoch && redis.ready === 0 && redis.foreign === 0;
}

/** rebuild-claim.lua, for held claims (highest tokens first) and draining ones alike. */
export function rebuildClaim(s: State, claim: number, touches: number, state: number): "rebuilt" | "overlaps" {
  const { redis, claims } = s;
  if (redis.claims[claim] !== Live.none) return "rebuilt";
  const overlaps = claims.some(
    (other, id) =>
      blocks(redis, id) && other.feature !== claims[claim]?.feature && ((redis.touches[id] ?? 0) & touches) !== 0,
  );
  if (overlaps) return "overlaps";
  redis.claims[claim] = state;
  redis.touches[claim] = touches;
  return "rebuilt";
}

/** A Redis that knows nothing, and counts its epochs from nothing. */
export function wipe(redis: Redis): void {
  redis.epoch = redis.ready = redis.foreign = redis.jumped = redis.counter = 0;
  redis.leases.fill(0);
  redis.claims.fill(0);
  redis.touches.fill(0);
}

/** The claims for which something is true, one bit each. */
export function claimsWhere(s: State, is: (claim: number) => boolean): number {
  let set = 0;
  for (let claim = 0; claim < s.claims.length; claim++) if (is(claim)) set |= 1 << claim;
  return set;
}

/** The lock-delay of a draining claim is over: nothing that its agent sent is on its way any more. */
export function drainEnds(s: State, claim: number): void {
  s.redis.claims[claim] = Live.drained;
  s.work[claim] = Work.none;
}

/** The agents of a session stop believing in their claims, now or earlier. */
export function stopsBelieving(s: State, session: number): void {
  for (const [id, claim] of s.claims.entries()) {
    if (claim.session === session && s.work[id] === Work.working) s.work[id] = Work.finishing;
  }
}

/** Notes when a session ends while its agent rightly believes in its lease. */
export function checkLowerBound(s: State, session: number): void {
  for (const [id, claim] of s.claims.entries()) {
    if (claim.session === session && s.work[id] === Work.working) {
      breakPromise(s, "a session was expired before the lease that its agent was promised (invariant 7)");
    }
  }
}
