import { repeatCall } from "./clients.ts";
import { auditWork, dueWork, needsRecovery } from "./environment.ts";
import { restViolation, violation } from "./invariants.ts";
import { advance } from "./moves.ts";
import { cloneState } from "./new-state.ts";
import { newProcess, STEPS } from "./process.ts";
import { drainEnds, stopsBelieving } from "./redis.ts";
import { Lease, Live, NOBODY, SessionState, SPARE_CLAIMS, type State, Status } from "./state.ts";

/** More steps than any call takes when nothing disturbs it. */
const MOST_STEPS = 60;
/** More items of work than a state of this size can need. */
const MOST_ITEMS = 60;
/** How often a client repeats a call when nothing disturbs it. */
const MOST_REPETITIONS = 6;

/** A state that nothing runs in: every server has just crashed, and no message is on its way. */
export function crashed(s: State): State {
  const next = cloneState(s);
  next.processes = next.processes.map(() => undefined);
  next.late = undefined;
  for (const budget of Object.keys(next.left) as (keyof State["left"])[]) next.left[budget] = 0;
  next.callsLeft.fill(0);
  next.replica = undefined;
  return next;
}

/**
 * What is wrong after the faults are over: from a crashed state, a reconciler runs until nothing is due, clients repeat
 * what was not answered, and both stores have to agree; then every agent falls silent, and nothing may stay held.
 * Says also how it went, for a trace.
 */
export function lastingViolation(crashedState: State, say: (what: string) => void = () => {}): string | undefined {
  const s: State = {
    ...cloneState(crashedState),
    scope: { ...crashedState.scope, claims: crashedState.scope.claims + SPARE_CLAIMS },
  };
  return settle(s, say) ?? answerAll(s, say) ?? settle(s, say) ?? restViolation(s) ?? silence(s, say);
}

function silence(s: State, say: (what: string) => void): string | undefined {
  say("every agent falls silent, and every lease lapses");
  for (const [session, lease] of s.redis.leases.entries()) {
    if (lease !== Lease.live) continue;
    s.redis.leases[session] = Lease.lapsed;
    stopsBelieving(s, session);
  }
  const wrong = settle(s, say) ?? restViolation(s);
  if (wrong !== undefined) return wrong;
  const held = s.postgres.features.findIndex(({ status }) => status === Status.active);
  if (held >= 0) return `f${held + 1} stays held although nobody gives a sign of life (invariant 7)`;
  const open = s.postgres.sessions.indexOf(SessionState.open);
  return open < 0 ? undefined : `s${open + 1} stays open although nobody gives a sign of life (invariant 7)`;
}

/** Recovers, and does what is due, one item after another, until nothing is. */
function settle(s: State, say: (what: string) => void): string | undefined {
  for (let items = 0; items < MOST_ITEMS; items++) {
    const wrong = violation(s);
    if (wrong !== undefined) return wrong;
    if (needsRecovery(s)) {
      s.processes[0] = newProcess("recover", { epoch: s.postgres.epoch });
    } else {
      const [item] = [...dueWork(s), ...auditWork(s)];
      if (item !== undefined) s.processes[0] = newProcess(item.kind, item.of);
      else if (timePasses(s)) continue;
      else return undefined;
    }
    const endless = run(s, say);
    if (endless !== undefined) return endless;
  }
  return "the reconciler comes to no end";
}

/** Lock-delays end; a lease that is nobody's lapses. */
function timePasses(s: State): boolean {
  let passed = false;
  for (const [session, lease] of s.redis.leases.entries()) {
    if (lease !== Lease.live || s.postgres.sessions[session] !== SessionState.unopened) continue;
    s.redis.leases[session] = Lease.lapsed;
    passed = true;
  }
  for (const [claim, state] of s.redis.claims.entries()) {
    if (state === Live.draining) {
      drainEnds(s, claim);
      passed = true;
    }
  }
  return passed;
}

/** Every client that waits repeats its call until it is answered. */
function answerAll(s: State, say: (what: string) => void): string | undefined {
  for (const [id, client] of s.clients.entries()) {
    for (let repetition = 0; client.call !== NOBODY; repetition++) {
      if (repetition === MOST_REPETITIONS) return `client ${id + 1} gets no answer`;
      say(`client ${id + 1} repeats its call`);
      repeatCall(s, id, 0);
      const wrong = run(s, say) ?? settle(s, say);
      if (wrong !== undefined) return wrong;
    }
  }
  return undefined;
}

function run(s: State, say: (what: string) => void): string | undefined {
  for (let steps = 0; s.processes[0] !== undefined; steps++) {
    if (steps === MOST_STEPS) return "a call comes to no end though nothing disturbs it";
    const { step } = s.processes[0];
    say(`${STEPS[step]}: ${advance(s, 0)}`);
  }
  return violation(s);
}
