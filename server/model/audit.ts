import { answer, goTo, RECOVERING, type Step, type StepName, served } from "./process.ts";
import { claimsWhere } from "./redis.ts";
import { breakPromise, Lease, Live, Row, SessionState, type State } from "./state.ts";

/**
 * The steps of the audit, which reads both stores one after the other while calls go on. A claim that only one of them
 * has cannot happen, so finding one is a broken promise here. An open session without a lease can: OpenSession may take
 * longer than the lease, which is swept, and die after its record. It is expired.
 */
export const AUDIT_STEPS = {
  "Audit: read Postgres"(s, p) {
    p.claims = claimsWhere(s, (id) => s.postgres.rows[id] === Row.held);
    p.read = sessionsWhere(s, (id) => s.postgres.sessions[id] === SessionState.open);
    goTo(p, "Audit: read Redis");
    return "read";
  },

  "Audit: read Redis"(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    const { claims, leases } = s.redis;
    const recorded = p.claims;
    const unrecorded = claimsWhere(s, (id) => claims[id] === Live.held && ((recorded >> id) & 1) === 0);
    const stands = (id: number) => claims[id] === Live.held || claims[id] === Live.provisional;
    p.claims = claimsWhere(s, (id) => ((recorded >> id) & 1) === 1 && !stands(id));
    p.read = sessionsWhere(s, (id) => ((p.read >> id) & 1) === 1 && leases[id] === Lease.none) | (unrecorded << 8);
    const suspicious = p.claims !== 0 || p.read !== 0;
    goTo(p, suspicious ? "Audit: Postgres again" : "end");
    return suspicious ? "something differs" : "nothing differs";
  },

  "Audit: Postgres again"(s, p) {
    const { rows, sessions, epoch } = s.postgres;
    const suspects = p.read >> 8;
    if (claimsWhere(s, (id) => ((p.claims >> id) & 1) === 1 && rows[id] === Row.held) !== 0 && epoch === p.epoch) {
      breakPromise(s, "the audit finds an active feature without its claim: an alarm");
    }
    const leaseless = sessions.findIndex((state, id) => ((p.read >> id) & 1) === 1 && state === SessionState.open);
    const over = (id: number) => rows[id] === Row.ended || rows[id] === Row.void || rows[id] === Row.none;
    p.claims = claimsWhere(s, (id) => ((suspects >> id) & 1) === 1 && over(id));
    p.read = 0;
    goTo(p, p.claims === 0 ? "end" : "Audit: Redis again");
    if (leaseless >= 0) {
      p.target = leaseless;
      p.claims = 0;
      goTo(p, "Expire");
    }
    return "looked again";
  },

  "Audit: Redis again"(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    if (claimsWhere(s, (id) => ((p.claims >> id) & 1) === 1 && s.redis.claims[id] === Live.held) !== 0) {
      breakPromise(s, "the audit finds a claim that Postgres knows to be over");
    }
    goTo(p, "end");
    return "it is gone";
  },
} satisfies Partial<Record<StepName, Step>>;

function sessionsWhere(s: State, is: (session: number) => boolean): number {
  let set = 0;
  for (let session = 0; session < s.scope.sessions; session++) if (is(session)) set |= 1 << session;
  return set;
}
