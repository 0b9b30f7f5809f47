import { isHeldBy } from "./postgres.ts";
import { isServed } from "./redis.ts";
import { Lease, Live, Row, SessionState, type State, Status, Work } from "./state.ts";

/** What is broken in this very state; undefined when nothing is. What single steps broke was noted by them. */
export function violation(s: State): string | undefined {
  return s.broken ?? workViolation(s) ?? recordViolation(s);
}

/** The agents: no two work on the same, and what each believes is true. */
function workViolation(s: State): string | undefined {
  const { postgres, claims } = s;
  for (let a = 0; a < claims.length; a++) {
    const work = s.work[a];
    const claim = claims[a];
    if (work === Work.none || claim === undefined) continue;
    if (work === Work.working) {
      const feature = postgres.features[claim.feature];
      if (postgres.rows[a] !== Row.held || feature === undefined || !isHeldBy(feature, claim.session)) {
        return `the agent of s${claim.session + 1} works under c${a + 1}, which does not hold (invariant 13)`;
      }
    }
    for (let b = a + 1; b < claims.length; b++) {
      const other = claims[b];
      if (s.work[b] === Work.none || other === undefined || other.session === claim.session) continue;
      if (other.feature === claim.feature) {
        return `two agents work on f${claim.feature + 1}, under c${a + 1} and c${b + 1} (invariant 11)`;
      }
      if (((s.workTouches[a] ?? 0) & (s.workTouches[b] ?? 0)) !== 0) {
        return `two agents write the same paths, under c${a + 1} and c${b + 1} (invariant 1)`;
      }
    }
  }
  return undefined;
}

/** The stores, each by itself: no two claims that hold overlap. */
function recordViolation(s: State): string | undefined {
  const { postgres, redis, claims } = s;
  for (const [id, feature] of postgres.features.entries()) {
    const other = postgres.features.findIndex((f) => f.status === Status.active && isHeldBy(feature, f.session));
    if (other >= 0 && other < id) return `s${feature.session + 1} holds two features (section 2)`;
  }
  const served = isServed(s, redis.epoch);
  for (let a = 0; a < claims.length; a++) {
    for (let b = a + 1; b < claims.length; b++) {
      const sameFeature = claims[a]?.feature === claims[b]?.feature;
      const sameSession = claims[a]?.session === claims[b]?.session;
      if (sameFeature && sameSession) continue;
      const rowsOverlap = sameFeature || ((postgres.touches[a] ?? 0) & (postgres.touches[b] ?? 0)) !== 0;
      if (postgres.rows[a] === Row.held && postgres.rows[b] === Row.held && rowsOverlap) {
        return `Postgres holds c${a + 1} and c${b + 1}, which overlap (invariant 1)`;
      }
      if (!served || sameFeature || !isHeld(redis.claims[a]) || !isHeld(redis.claims[b])) continue;
      if (((redis.touches[a] ?? 0) & (redis.touches[b] ?? 0)) !== 0) {
        return `Redis holds c${a + 1} and c${b + 1}, which overlap (invariant 1)`;
      }
    }
  }
  return undefined;
}

function isHeld(state: number | undefined): boolean {
  return state === Live.provisional || state === Live.held || state === Live.draining;
}

/** What is wrong when nothing runs, nobody waits and nothing is due. */
export function restViolation(s: State): string | undefined {
  const { postgres, redis } = s;
  for (const [id, feature] of postgres.features.entries()) {
    const name = `f${id + 1}`;
    if (feature.status !== Status.active) continue;
    if (postgres.sessions[feature.session] !== SessionState.open)
      return `${name} is held by a session that has ended (9)`;
    if (redis.leases[feature.session] !== Lease.live) return `${name} is active without a lease (9)`;
    if (postgres.rows[feature.claim] !== Row.held) return `${name} is active under a claim that does not hold (9)`;
    if (redis.claims[feature.claim] !== Live.held) return `${name} is active, and Redis does not hold it (9)`;
    if (s.claims[feature.claim]?.token !== feature.token) return `${name} has another token than its claim (9)`;
  }
  for (const [id, state] of postgres.sessions.entries()) {
    const ended = state === SessionState.closed || state === SessionState.expired;
    if (ended && redis.leases[id] !== Lease.none) return `s${id + 1} has ended, and Redis keeps a lease for it (10)`;
    if (postgres.ending[id] === 1) return `the end of s${id + 1} is not finished (9)`;
  }
  for (const [id, claim] of s.claims.entries()) {
    const name = `c${id + 1}`;
    const row = postgres.rows[id];
    const feature = postgres.features[claim.feature];
    if (row === Row.ending || row === Row.draining) return `the end of ${name} is not finished (9)`;
    const holds = feature !== undefined && isHeldBy(feature, claim.session) && row === Row.held;
    if (redis.claims[id] !== Live.none && !holds) return `${name} is a ghost in Redis (10)`;
    if (row === Row.held && !holds) return `${name} is held in Postgres by nobody (9)`;
    if (row === Row.held && redis.claims[id] !== Live.held) return `${name} is held in Postgres only (9)`;
    if (row === Row.held && redis.touches[id] !== postgres.touches[id]) return `${name} differs in both stores (9)`;
  }
  return undefined;
}
