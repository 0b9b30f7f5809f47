import { commitPick, isHeldBy, markEnded, recordOf, voidUnlessCommitted } from "./postgres.ts";
import { answer, goTo, kindOf, RECOVERING, type Step, type StepName, served, thenGoTo } from "./process.ts";
import { acquire, claimsWhere, confirm, drain, isAlive, release } from "./redis.ts";
import { breakPromise, Live, NOBODY, type Process, Row, SessionState, type State, Status } from "./state.ts";

/** The steps of a pick, and of a take-over, which is a pick that names whom it replaces. */
export const PICK_STEPS = {
  P0(s, p) {
    const { postgres } = s;
    p.epoch = postgres.epoch;
    const granted = recordOf(s, p.client, p.request);
    if (granted !== undefined) return standsAlready(s, p, granted, "P3");
    const feature = postgres.features[p.feature];
    if (postgres.sessions[p.session] !== SessionState.open) return answer(s, p, "SESSION_EXPIRED");
    const busyWith = postgres.features.findIndex((f) => isHeldBy(f, p.session));
    if (feature === undefined || (busyWith >= 0 && busyWith !== p.feature)) return answer(s, p, "refused");
    if (busyWith === p.feature) return standsAlready(s, p, feature.claim, "P3");
    if (feature.status === Status.done) return answer(s, p, "refused");
    p.claims = 0;
    if (kindOf(p) === "take-over") {
      // It ended meanwhile: then this is a pick like any other.
      if (feature.status === Status.ready) p.hold = NOBODY;
      else if (feature.claim !== p.hold) return answer(s, p, "FENCING_TOKEN_STALE");
      else p.claims = claimsWhere(s, (id) => postgres.rows[id] === Row.held && s.claims[id]?.feature === p.feature);
    }
    p.revision = feature.revision;
    p.touches = feature.touches;
    goTo(p, "P1");
    return "free as far as Postgres knows";
  },

  P1(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    return grantTo(s, p, { alongside: NOBODY, granted: "P2", again: "P0" });
  },

  P2(s, p) {
    if (commitPick(s, p, p.hold)) return afterCommit(s, p, "P3");
    goTo(p, "Undo");
    thenGoTo(p, "P0");
    return "not committed: something has changed";
  },

  P3(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    const outcome = confirm(s, p.claim);
    if (outcome === "confirmed") goTo(p, "P4");
    else endedMeanwhile(p, outcome);
    return outcome;
  },

  // Released, and perhaps picked again, in between: that is another claim's answer.
  P4(s, p) {
    markEnded(s, s.claims[p.claim]?.replaces ?? 0);
    if (s.postgres.features[p.feature]?.claim === p.claim || s.scope.mutant === "reread") return answer(s, p, "ok");
    return howItEnded(s, p);
  },

  "How it ended": howItEnded,

  Refuse(s, p) {
    const granted = s.scope.mutant === "refusal-without-record" ? undefined : recordOf(s, p.client, p.request);
    if (granted === undefined) return answer(s, p, "refused");
    p.claim = granted;
    goTo(p, kindOf(p) === "extend" ? "Extend P3" : "P3");
    return "granted meanwhile, through another server";
  },

  Undo(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    release(s, 1 << p.claim);
    p.claim = NOBODY;
    p.step = p.next;
    return "freed its own attempt";
  },

  Void(s, p) {
    p.read = voidUnlessCommitted(s, p.claim);
    goTo(p, "Settle");
    return p.read === Row.void ? "barred from being committed" : "it was committed";
  },

  // One that was committed and has ended since is freed as its end demands, which may be later.
  Settle(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    const row = p.read;
    p.read = 0;
    if (row === Row.held) confirm(s, p.claim);
    else if (row === Row.draining && s.scope.mutant !== "settle-frees-draining") drain(s, 1 << p.claim);
    else release(s, 1 << p.claim);
    if (kindOf(p) === "settle") goTo(p, "end");
    else if (row === Row.held) p.step = p.next;
    else answer(s, p, "UNAVAILABLE");
    return row === Row.held ? "confirmed" : row === Row.draining ? "drains" : "freed";
  },
} satisfies Partial<Record<StepName, Step>>;

/** P1 of a pick and of an extension. */
export function grantTo(
  s: State,
  p: Process,
  { alongside, granted, again }: { alongside: number; granted: StepName; again: StepName },
): string {
  const outcome = acquire(s, { ...p, replaces: p.claims, alongside });
  switch (outcome.kind) {
    case "granted":
      p.claim = outcome.claim;
      goTo(p, granted);
      return "GRANTED";
    case "session-expired":
      return expireThen(p, p.session, again);
    case "claim-gone":
      goTo(p, "How it ended");
      return "CLAIM_GONE";
    case "blocked": {
      const blocker = s.claims[outcome.claim];
      const { redis } = s;
      const session = blocker?.session ?? NOBODY;
      const isDraining = redis.claims[outcome.claim] === Live.draining;
      if (!isDraining && !isAlive(redis, session)) return expireThen(p, session, again);
      if (session === p.session && redis.claims[outcome.claim] === Live.provisional) {
        // Its own unfinished attempt is waited for, or settled.
        goTo(p, again);
        return `CONFLICT with its own attempt c${outcome.claim + 1}`;
      }
      goTo(p, "Refuse");
      return `CONFLICT with c${outcome.claim + 1}`;
    }
    case "no-claim-left":
      return answer(s, p, "UNAVAILABLE");
  }
}

function expireThen(p: Process, session: number, next: StepName): string {
  p.target = session;
  goTo(p, "Expire");
  thenGoTo(p, next);
  return `session s${session + 1} has lapsed`;
}

/** The claim that a repetition is about has to be confirmed first. */
export function standsAlready(s: State, p: Process, claim: number, confirmIn: StepName): string {
  p.claim = claim;
  if (s.scope.mutant === "confirm") return answer(s, p, "ok");
  goTo(p, confirmIn);
  return "granted before";
}

export function afterCommit(s: State, p: Process, confirmIn: StepName): string {
  p.revision = p.touches = p.claims = 0;
  if (s.scope.mutant === "confirm") return answer(s, p, "ok");
  goTo(p, confirmIn);
  return "committed";
}

/** What follows a confirmation that was refused. */
export function endedMeanwhile(p: Process, outcome: "session-expired" | "gone"): void {
  if (outcome === "session-expired") expireThen(p, p.session, "How it ended");
  else goTo(p, "How it ended");
}

function howItEnded(s: State, p: Process): string {
  if (s.postgres.sessions[p.session] !== SessionState.open) return answer(s, p, "SESSION_EXPIRED");
  if (s.postgres.rows[p.claim] === Row.held) {
    breakPromise(s, "a claim is gone while its session, row and epoch stand: the alarm of P3");
  }
  return answer(s, p, "FENCING_TOKEN_STALE");
}
