import { answer, goTo, type Step, type StepName } from "./process.ts";
import { beginRebuild, claimsWhere, isRebuilding, rebuildClaim } from "./redis.ts";
import { breakPromise, Lease, Live, type Process, Row, SessionState, type State } from "./state.ts";

/** The steps of recovery (CLAIMS section 5): the epoch is raised before anything is read; the ready mark comes last. */
export const RECOVER_STEPS = {
  "Recover: raise the epoch"(s, p) {
    if (s.postgres.epoch !== p.epoch) return answer(s, p, "UNAVAILABLE");
    s.postgres.epoch++;
    p.epoch++;
    goTo(p, "Recover: begin");
    return `epoch ${p.epoch}`;
  },

  "Recover: begin"(s, p) {
    if (!beginRebuild(s, p.epoch)) return answer(s, p, "UNAVAILABLE");
    goTo(p, "Recover: read sessions");
    return "Redis forgets everything";
  },

  "Recover: read sessions"(s, p) {
    p.claims = 0;
    for (const [session, state] of s.postgres.sessions.entries()) {
      if (state === SessionState.open) p.claims |= 1 << session;
    }
    goTo(p, "Recover: sessions");
    return "read";
  },

  "Recover: sessions"(s, p) {
    if (!isRebuilding(s, p.epoch)) return answer(s, p, "UNAVAILABLE");
    for (let session = 0; session < s.scope.sessions; session++) {
      if (((p.claims >> session) & 1) === 1) s.redis.leases[session] = Lease.live;
    }
    p.claims = 0;
    goTo(p, "Recover: read claims");
    return "every open session has a fresh lease";
  },

  "Recover: read claims"(s, p) {
    const { rows, touches } = s.postgres;
    p.claims = claimsWhere(s, (id) => rows[id] === Row.held);
    p.read = 0;
    for (let id = 0; id < s.claims.length; id++) p.read |= (touches[id] ?? 0) << (2 * id);
    goTo(p, "Recover: claims");
    return "read";
  },

  "Recover: claims"(s, p) {
    if (!isRebuilding(s, p.epoch)) return answer(s, p, "UNAVAILABLE");
    for (const id of byToken(s, p)) {
      if (s.redis.leases[s.claims[id]?.session ?? 0] === Lease.none) breakPromise(s, "a rebuilt claim has no session");
      if (rebuildClaim(s, id, (p.read >> (2 * id)) & 3, Live.held) === "overlaps") {
        breakPromise(s, "two rebuilt claims overlap: CLAIM_LOST (section 5)");
      }
    }
    p.claims = p.read = 0;
    goTo(p, "Recover: read draining claims");
    return "every held claim is back";
  },

  "Recover: read draining claims"(s, p) {
    p.claims = claimsWhere(s, (id) => s.postgres.rows[id] === Row.draining);
    if (s.scope.mutant === "draining-not-rebuilt") p.claims = 0;
    goTo(p, p.claims === 0 ? "Recover: ready" : "Recover: draining claims");
    return "read";
  },

  "Recover: draining claims"(s, p) {
    if (!isRebuilding(s, p.epoch)) return answer(s, p, "UNAVAILABLE");
    for (const id of byToken(s, p)) rebuildClaim(s, id, s.postgres.touches[id] ?? 0, Live.draining);
    p.claims = 0;
    goTo(p, "Recover: ready");
    return "back, each with its whole lock-delay";
  },

  "Recover: ready"(s, p) {
    if (isRebuilding(s, p.epoch)) s.redis.ready = 1;
    goTo(p, "end");
    return "served again";
  },
} satisfies Partial<Record<StepName, Step>>;

function byToken(s: State, p: Process): number[] {
  const token = (id: number) => s.claims[id]?.token ?? 0;
  return [...s.claims.keys()].filter((id) => ((p.claims >> id) & 1) === 1).sort((a, b) => token(b) - token(a));
}
