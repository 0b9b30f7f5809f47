import { endSessionRow, markEnded, record, recordOf } from "./postgres.ts";
import { answer, goTo, kindOf, RECOVERING, type Step, type StepName, served, thenGoTo } from "./process.ts";
import { checkLowerBound, endSession, isServed, release, renew, stopsBelieving } from "./redis.ts";
import { breakPromise, Lease, NOBODY, type Process, SessionState, type State } from "./state.ts";

/** The steps that are about sessions: their expiry, close, removal, heartbeat and opening. */
export const SESSION_STEPS = {
  // The lease was found lapsed under this epoch; under another the session may live.
  Expire(s, p) {
    const open = s.postgres.sessions[p.target] === SessionState.open;
    if (open) {
      if (s.postgres.epoch !== p.epoch && s.scope.mutant !== "epoch-of-expire") return answer(s, p, "UNAVAILABLE");
      checkLowerBound(s, p.target);
      endSessionRow(s, p.target, SessionState.expired, "interrupted");
    }
    // Without a row there is nothing to end, and it may get one yet.
    p.read =
      s.postgres.sessions[p.target] === SessionState.unopened && s.scope.mutant !== "expire-in-any-epoch" ? 1 : 0;
    goTo(p, "Expire in Redis");
    return open ? `s${p.target + 1} has ended; its feature is ready, with an interruption` : "no such session is open";
  },

  "Expire in Redis"(s, p) {
    // A session that has got its row since has a lease, too, if there is another epoch.
    if (p.read === 1 && !isServed(s, p.epoch)) return afterEnd(s, p, "not in this epoch");
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    endSession(s, p.target);
    if (p.read === 1) return afterEnd(s, p, "its lease is dropped");
    goTo(p, "Expire: done");
    return "what it held drains";
  },

  "Expire: done"(s, p) {
    s.postgres.ending[p.target] = 0;
    return afterEnd(s, p, "noted");
  },

  Close(s, p) {
    if (s.postgres.sessions[p.session] === SessionState.open) {
      if (s.postgres.epoch !== p.epoch) return answer(s, p, "UNAVAILABLE");
      p.claims = endSessionRow(s, p.session, SessionState.closed, "released");
    }
    p.target = p.session;
    goTo(p, p.claims === 0 ? "Expire in Redis" : "Close in Redis");
    return "closed; its feature is ready";
  },

  "Close in Redis"(s, p) {
    if (!served(s, p, () => answer(s, p, "ended"))) return RECOVERING;
    release(s, p.claims);
    endSession(s, p.session);
    goTo(p, "Close: drop the outbox row");
    return "freed, and the lease is gone";
  },

  "Close: drop the outbox row"(s, p) {
    markEnded(s, p.claims);
    p.claims = 0;
    goTo(p, "Expire: done");
    return "dropped";
  },

  // Somebody who may still be writing is removed from the project.
  Remove(s, p) {
    if (s.postgres.sessions[p.target] === SessionState.open) {
      if (s.postgres.epoch !== p.epoch) return answer(s, p, "UNAVAILABLE");
      stopsBelieving(s, p.target);
      endSessionRow(s, p.target, SessionState.closed, "interrupted");
    }
    goTo(p, "Expire in Redis");
    return `s${p.target + 1} has ended; its feature is ready, with an interruption`;
  },

  Heartbeat(s, p) {
    p.epoch = s.postgres.epoch;
    if (s.postgres.sessions[p.session] !== SessionState.open) return answer(s, p, "SESSION_EXPIRED");
    goTo(p, "Heartbeat in Redis");
    return "open as far as Postgres knows";
  },

  "Heartbeat in Redis"(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    if (renew(s, p.session, false) === "session-expired") {
      p.target = p.session;
      goTo(p, "Expire");
      thenGoTo(p, kindOf(p) === "open" ? "Open" : "How it ended");
      return "its lease has lapsed";
    }
    if (s.postgres.sessions[p.session] === SessionState.expired) {
      breakPromise(s, "a heartbeat was answered ALIVE after the session's expiry (invariant 8)");
    }
    return answer(s, p, kindOf(p) === "open" ? "opened" : "alive");
  },

  Open(s, p) {
    p.epoch = s.postgres.epoch;
    const recorded = recordOf(s, p.client, p.request);
    const ours = (session: number) => session % s.scope.clients === p.client;
    const open = s.postgres.sessions.findIndex((state, session) => state === SessionState.open && ours(session));
    p.session = recorded ?? (open >= 0 ? open : unusedSession(s, ours));
    // Only the scope bounds how many there are.
    if (p.session === NOBODY) return answer(s, p, "refused");
    goTo(p, recorded === undefined && open < 0 ? "Open in Redis" : "Heartbeat in Redis");
    if (recorded !== undefined && s.postgres.sessions[recorded] !== SessionState.open) {
      return answer(s, p, "SESSION_EXPIRED");
    }
    return open < 0 ? "none is open" : `s${p.session + 1} is open`;
  },

  "Open in Redis"(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    goTo(p, renew(s, p.session, true) === "alive" ? "Open: record" : "Open");
    return `s${p.session + 1} has a lease`;
  },

  "Open: record"(s, p) {
    const { postgres } = s;
    const stands =
      (postgres.epoch === p.epoch || s.scope.mutant === "epoch-of-open") &&
      recordOf(s, p.client, p.request) === undefined &&
      !postgres.sessions.some((state, id) => state === SessionState.open && id % s.scope.clients === p.client);
    if (stands) {
      postgres.sessions[p.session] = SessionState.open;
      record(s, p.client, p.request, p.session);
    }
    goTo(p, stands ? "Heartbeat in Redis" : "Open: undo");
    return stands ? "recorded" : "another call was first, or another epoch has begun";
  },

  "Open: undo"(s, p) {
    if (!served(s, p, () => answer(s, p, "UNAVAILABLE"))) return RECOVERING;
    endSession(s, p.session);
    goTo(p, "Open");
    return "its lease is dropped";
  },
} satisfies Partial<Record<StepName, Step>>;

/** Where a process goes on that has ended a session. */
function afterEnd(s: State, p: Process, word: string): string {
  p.target = NOBODY;
  p.read = 0;
  if (p.next === 0) answer(s, p, "ended");
  else p.step = p.next;
  return word;
}

/** A session that nothing knows of, of this client: the same as a new one. */
function unusedSession(s: State, ours: (session: number) => boolean): number {
  const inUse = (session: number) =>
    [...s.processes, s.late].some((other) => other?.session === session || other?.target === session);
  const unused = s.postgres.sessions.findIndex(
    (state, session) =>
      ours(session) && state === SessionState.unopened && s.redis.leases[session] === Lease.none && !inUse(session),
  );
  return unused < 0 ? NOBODY : unused;
}
