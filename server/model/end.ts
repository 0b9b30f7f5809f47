import { afterCommit, endedMeanwhile, grantTo, standsAlready } from "./pick.ts";
import { commitExtension, endByHolder, endHold, isHeldBy, markEnded, record, recordOf } from "./postgres.ts";
import { answer, goTo, kindOf, RECOVERING, type Step, type StepName, served, thenGoTo } from "./process.ts";
import { claimsWhere, confirm, drain, release, retain, stopsBelieving } from "./redis.ts";
import { breakPromise, DONE, Live, NOBODY, type Process, Row, SessionState, type State, Status } from "./state.ts";

/** The steps of ExtendClaim: a claim of its own, which holds only while the feature is active under the pick's token. */
export const EXTEND_STEPS = {
  "Extend P0"(s, p) {
    p.epoch = s.postgres.epoch;
    const granted = recordOf(s, p.client, p.request);
    if (granted !== undefined) return standsAlready(s, p, granted, "Extend P3");
    if (!isHeldAs(s, p)) return answer(s, p, notHeld(s, p));
    p.touches = s.scope.extension ?? 0;
    goTo(p, "Extend P1");
    return "held as the caller says";
  },

  "Extend P1"(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    return grantTo(s, p, { alongside: p.hold, granted: "Extend P2", again: "Extend P0" });
  },

  "Extend P2"(s, p) {
    if (commitExtension(s, p, p.hold)) return afterCommit(s, p, "Extend P3");
    goTo(p, "Undo");
    thenGoTo(p, "Extend P0");
    return "not committed: something has changed";
  },

  "Extend P3"(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    const outcome = confirm(s, p.claim);
    if (outcome !== "confirmed") endedMeanwhile(p, outcome);
    else if (s.postgres.rows[p.claim] === Row.held) return answer(s, p, "ok");
    else goTo(p, "How it ended");
    return outcome;
  },
} satisfies Partial<Record<StepName, Step>>;

/** The steps of what ends work or a part of it: Postgres first, then Redis, then the outbox row. */
export const END_STEPS = {
  // Of a mutant only: paths are free while the feature still says active.
  "End in Redis first"(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    release(s, 1 << p.hold);
    goTo(p, "End");
    return "freed";
  },

  End(s, p) {
    p.epoch = s.postgres.epoch;
    if (recordOf(s, p.client, p.request) !== undefined) return answer(s, p, "ended");
    const to = kindOf(p) === "done" ? Status.done : Status.ready;
    const ended = endByHolder(s, p.session, p.feature, p.hold, to);
    if (ended === undefined) return answer(s, p, notHeld(s, p));
    record(s, p.client, p.request, DONE);
    p.claims = ended;
    goTo(p, "End in Redis");
    return "committed";
  },

  "End in Redis"(s, p) {
    if (!served(s, p, () => answer(s, p, "ended"))) return RECOVERING;
    release(s, p.claims);
    goTo(p, "Drop the outbox row");
    return "freed";
  },

  "Drop the outbox row"(s, p) {
    markEnded(s, p.claims);
    return answer(s, p, "ended");
  },

  Shrink(s, p) {
    const { postgres } = s;
    p.epoch = postgres.epoch;
    if (recordOf(s, p.client, p.request) !== undefined) return answer(s, p, "ended");
    const feature = postgres.features[p.feature];
    if (feature === undefined || !isHeldAs(s, p)) return answer(s, p, notHeld(s, p));
    const stays = ~(s.scope.extension ?? 0);
    const all = claimsWhere(s, (id) => postgres.rows[id] === Row.held && s.claims[id]?.feature === p.feature);
    const shrunk = claimsWhere(s, (id) => ((all >> id) & 1) === 1 && ((postgres.touches[id] ?? 0) & ~stays) !== 0);
    for (let id = 0; id < s.claims.length; id++) {
      if (((shrunk >> id) & 1) === 0) continue;
      postgres.touches[id] = (postgres.touches[id] ?? 0) & stays;
      postgres.shrunk[id] = 1;
    }
    if ((feature.touches & ~stays) !== 0) {
      feature.touches &= stays;
      feature.revision++;
    }
    record(s, p.client, p.request, DONE);
    if (shrunk === 0) return answer(s, p, "ended");
    p.claims = shrunk;
    goTo(p, "Shrink in Redis");
    return "committed";
  },

  // As Postgres has said: touches of a claim only ever become fewer, so that late ones give up no more.
  "Shrink in Redis"(s, p) {
    if (!served(s, p, () => answer(s, p, "ended"))) return RECOVERING;
    for (let id = 0; id < s.claims.length; id++) {
      if (((p.claims >> id) & 1) === 1) retain(s, id, s.postgres.touches[id] ?? 0);
    }
    goTo(p, "Drop the shrinking");
    return "freed";
  },

  "Drop the shrinking"(s, p) {
    for (let id = 0; id < s.claims.length; id++) if (((p.claims >> id) & 1) === 1) s.postgres.shrunk[id] = 0;
    return answer(s, p, "ended");
  },

  Force(s, p) {
    p.epoch = s.postgres.epoch;
    const feature = s.postgres.features[p.feature];
    if (feature?.status !== Status.active) return answer(s, p, "refused");
    stopsBelieving(s, feature.session);
    p.claims = endHold(s, p.feature, Status.ready, "interrupted");
    goTo(p, "Drain");
    return "ready again, with an interruption";
  },

  // The reconciler drains what drains already once more, which prolongs nothing; what Redis does not know has drained.
  Drain(s, p) {
    if (!served(s, p, () => answer(s, p, "ended"))) return RECOVERING;
    const unknown = claimsWhere(s, (id) => ((p.claims >> id) & 1) === 1 && s.redis.claims[id] === Live.none);
    drain(s, p.claims);
    if (kindOf(p) !== "drain" || unknown === 0) return answer(s, p, "ended");
    p.claims = unknown;
    goTo(p, "Drop the outbox row");
    return "it has drained";
  },
} satisfies Partial<Record<StepName, Step>>;

function isHeldAs(s: State, p: Process): boolean {
  const feature = s.postgres.features[p.feature];
  if (s.postgres.sessions[p.session] !== SessionState.open || feature === undefined) return false;
  return isHeldBy(feature, p.session) && feature.claim === p.hold && p.hold !== NOBODY;
}

function notHeld(s: State, p: Process): "SESSION_EXPIRED" | "FENCING_TOKEN_STALE" {
  const open = s.postgres.sessions[p.session] === SessionState.open;
  if (open && s.postgres.rows[p.hold] === Row.held && recordOf(s, p.client, p.request) === undefined) {
    breakPromise(s, "a token was called stale while its claim is held");
  }
  return open ? "FENCING_TOKEN_STALE" : "SESSION_EXPIRED";
}
