import { type Emit, serverName } from "./clients.ts";
import { cloneRedis, cloneState } from "./new-state.ts";
import { goTo, type Kind, kindOf, newProcess, stepNumber } from "./process.ts";
import { drainEnds, isServed, stopsBelieving, wipe } from "./redis.ts";
import { Lease, Live, NOBODY, Row, SessionState, type State, Status } from "./state.ts";

/** What happens to everybody: time passes, stores are lost, servers die, owners step in. */
export function environmentMoves(s: State, emit: Emit): void {
  time(s, emit);
  losses(s, emit);
  failures(s, emit);
  owners(s, emit);
}

/** Nothing expires by Redis' clock while that is too far from the last tick of a reconciler. */
function time(s: State, emit: Emit): void {
  const { redis } = s;
  if (redis.epoch === 0 || (redis.foreign === 1 && s.scope.mutant !== "server-identity") || redis.jumped === 1) return;
  if (s.left.lapses > 0) {
    for (const [session, lease] of redis.leases.entries()) {
      if (lease !== Lease.live) continue;
      const next = cloneState(s);
      next.left.lapses--;
      next.redis.leases[session] = Lease.lapsed;
      stopsBelieving(next, session);
      for (const client of next.clients) if (client.session === session && client.call !== NOBODY) client.late = 1;
      emit(next, () => `the lease of s${session + 1} lapses, and its agent has stopped believing in it`);
    }
  }
  for (const [claim, state] of redis.claims.entries()) {
    if (state !== Live.draining) continue;
    const next = cloneState(s);
    drainEnds(next, claim);
    emit(next, () => `the lock-delay of c${claim + 1} is over`);
  }
}

function losses(s: State, emit: Emit): void {
  if (s.left.flushes > 0 && s.redis.epoch !== 0) {
    const next = cloneState(s);
    next.left.flushes--;
    wipe(next.redis);
    emit(next, () => "Redis loses everything");
  }
  if (s.left.failovers > 0) {
    const next = cloneState(s);
    if (s.replica === undefined) {
      next.replica = cloneRedis(s.redis);
      emit(next, () => "a replica of Redis has all this, and falls behind from here");
    } else {
      next.left.failovers--;
      next.redis = { ...cloneRedis(s.replica), foreign: 1 };
      next.replica = undefined;
      emit(next, () => "Redis fails over to the replica: what was written since is lost");
    }
  }
  if (s.left.jumps > 0 && s.redis.jumped === 0) {
    const next = cloneState(s);
    next.left.jumps--;
    if (s.scope.mutant === "clock-gap") expireEverything(next);
    else next.redis.jumped = 1;
    emit(next, () => "the clock of Redis jumps far ahead");
  }
}

function expireEverything({ redis }: State): void {
  redis.leases = redis.leases.map((lease) => (lease === Lease.live ? Lease.lapsed : lease));
  redis.claims = redis.claims.map((state) => (state === Live.draining ? Live.drained : state));
}

function failures(s: State, emit: Emit): void {
  for (const [server, process] of s.processes.entries()) {
    if (process === undefined) continue;
    if (s.left.kills > 0) {
      const next = cloneState(s);
      next.left.kills--;
      next.processes[server] = undefined;
      emit(next, () => `${serverName(server)} is killed in its ${kindOf(process)}`);
    }
    if (s.left.unanswered > 0 && s.late === undefined && outlivesSilence(process.step)) {
      const next = cloneState(s);
      const goesOn = next.processes[server];
      if (goesOn === undefined) continue;
      next.left.unanswered--;
      next.late = { ...process, heard: 0 };
      goTo(goesOn, process.step === stepNumber("P2") ? "Void" : "Drop the outbox row");
      goesOn.next = stepNumber("P3");
      if (process.step !== stepNumber("P2")) goesOn.claims = 0;
      emit(
        next,
        () => `${serverName(server)} waits no longer for an answer in its ${kindOf(process)}; it may be made yet`,
      );
    }
  }
}

/** The steps after whose silence a server goes on by itself; after others it answers UNAVAILABLE, as a killed one would. */
function outlivesSilence(step: number): boolean {
  return step === stepNumber("P2") || step === stepNumber("End in Redis");
}

function owners(s: State, emit: Emit): void {
  const server = s.processes.indexOf(undefined);
  if (s.left.forced === 0 || server < 0) return;
  for (const [feature, { status }] of s.postgres.features.entries()) {
    if (status === Status.active) start(s, server, "force-release", { feature }, emit);
  }
  for (const [target, state] of s.postgres.sessions.entries()) {
    if (state === SessionState.open) start(s, server, "remove-member", { target, epoch: s.postgres.epoch }, emit);
  }
}

function start(s: State, server: number, kind: Kind, of: Parameters<typeof newProcess>[1], emit: Emit): void {
  const next = cloneState(s);
  if (kind === "audit") next.left.audits--;
  if (kind === "force-release" || kind === "remove-member") next.left.forced--;
  next.processes[server] = newProcess(kind, of);
  emit(next, () => `${serverName(server)} begins to ${kind}${aboutWhat(of)}`);
}

function aboutWhat({
  target = NOBODY,
  claim = NOBODY,
  claims = 0,
  feature = NOBODY,
}: Parameters<typeof newProcess>[1]) {
  if (target !== NOBODY) return ` s${target + 1}`;
  if (feature !== NOBODY) return ` f${feature + 1}`;
  if (claim !== NOBODY) return ` c${claim + 1}`;
  return claims === 0 ? "" : ` c${Math.log2(claims) + 1}`;
}

/** One item of work of a reconciler. */
export interface Item {
  readonly kind: Kind;
  readonly of: Parameters<typeof newProcess>[1];
}

/** What a reconciler finds to do. */
export function dueWork(s: State): Item[] {
  const { redis, postgres } = s;
  const epoch = redis.epoch;
  if (!isServed(s, epoch) || redis.jumped === 1) return [];
  const items: Item[] = [];
  for (const [target, lease] of redis.leases.entries()) {
    if (lease === Lease.lapsed) items.push({ kind: "expire", of: { target, epoch } });
  }
  for (const [target, ending] of postgres.ending.entries()) {
    if (ending === 1) items.push({ kind: "end-lease", of: { target, epoch } });
  }
  for (let claim = 0; claim < s.claims.length; claim++) {
    const state = redis.claims[claim];
    const row = postgres.rows[claim];
    const claims = 1 << claim;
    if (state === Live.provisional) items.push({ kind: "settle", of: { claim, epoch } });
    if (state === Live.drained || row === Row.ending) items.push({ kind: "free", of: { claims, epoch } });
    if (row === Row.draining && state !== Live.draining && state !== Live.drained) {
      items.push({ kind: "drain", of: { claims, epoch } });
    }
    if (row === Row.held && postgres.shrunk[claim] === 1) items.push({ kind: "retain", of: { claims, epoch } });
  }
  return items;
}

/** What an audit finds, beyond that: open sessions without a lease. */
export function auditWork(s: State): Item[] {
  const { epoch } = s.postgres;
  return [...s.postgres.sessions.entries()]
    .filter(([session, state]) => state === SessionState.open && s.redis.leases[session] === Lease.none)
    .map(([target]) => ({ kind: "expire", of: { target, epoch } }));
}

/** Whether Redis has to be rebuilt before anything else can be said. */
export function needsRecovery(s: State): boolean {
  return !isServed(s, s.postgres.epoch) || s.redis.jumped === 1;
}

const OF_RECONCILER: readonly Kind[] = ["expire", "end-lease", "settle", "free", "drain", "retain"];

/** What any server may begin by itself: an item of a reconciler's work, or a recovery. */
export function backgroundMoves(s: State, emit: Emit): void {
  const server = s.processes.indexOf(undefined);
  if (server < 0) return;
  let reconciling = false;
  let recovering = false;
  for (const process of s.processes) {
    const kind = process && kindOf(process);
    if (kind === "recover") recovering = true;
    if (kind !== undefined && OF_RECONCILER.includes(kind)) {
      reconciling = true;
    }
  }
  if (!reconciling) for (const { kind, of } of dueWork(s)) start(s, server, kind, of, emit);
  if (s.left.audits > 0) start(s, server, "audit", { epoch: s.postgres.epoch }, emit);
  if (!needsRecovery(s) || (recovering && s.left.duels === 0)) return;
  start(s, server, "recover", { epoch: s.postgres.epoch }, (next, say) => {
    if (recovering) next.left.duels--;
    emit(next, say);
  });
}
