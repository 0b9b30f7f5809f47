import { cloneState } from "./new-state.ts";
import { goTo, KINDS, type Kind, kindNumber, newProcess } from "./process.ts";
import { type Client, NOBODY, type Process, type State, Status, Work } from "./state.ts";

/** Takes a successor, and how to say what led to it. */
export type Emit = (next: State, say: () => string) => void;

/** What the clients may do: send a call, or repeat one that is not answered through another server. */
export function clientMoves(s: State, emit: Emit): void {
  const server = s.processes.indexOf(undefined);
  if (server < 0) return;
  for (const [id, client] of s.clients.entries()) {
    if (client.call !== NOBODY) repeat(s, id, server, emit);
    else if ((s.callsLeft[id] ?? 0) > 0) send(s, id, server, emit);
  }
}

/** Whether some process will answer this client. */
function isHeard(s: State, id: number): boolean {
  return s.processes.some((process) => process?.heard === 1 && process.client === id);
}

function repeat(s: State, id: number, server: number, emit: Emit): void {
  const inTime = isHeard(s, id);
  if (inTime && s.left.retries === 0) return;
  const next = cloneState(s);
  if (inTime) next.left.retries--;
  repeatCall(next, id, server);
  emit(next, () => `client ${id + 1} repeats its ${KINDS[s.clients[id]?.call ?? 0]} ${elsewhere(inTime, server)}`);
}

function elsewhere(inTime: boolean, server: number): string {
  return inTime ? `on ${serverName(server)} and waits no longer for the first` : `on ${serverName(server)}`;
}

export function serverName(server: number): string {
  return `server ${"ABCDEFGH"[server]}`;
}

/** Repeats a call under its request id; whoever ran it before is not listened to any more. */
export function repeatCall(s: State, id: number, server: number): void {
  for (const process of s.processes) if (process?.client === id) process.heard = 0;
  const client = s.clients[id];
  if (client === undefined) return;
  client.late = 0;
  s.processes[server] = processOf(s, id, client);
}

function processOf(s: State, id: number, client: Client): Process {
  const kind = KINDS[client.call] ?? "pick";
  const process = newProcess(kind, {
    client: id,
    session: client.session,
    request: client.request,
    feature: client.feature,
    heard: 1,
    epoch: s.postgres.epoch,
    hold: client.hold,
  });
  if (s.scope.mutant === "redis-first" && kind === "release") goTo(process, "End in Redis first");
  return process;
}

function send(s: State, id: number, server: number, emit: Emit): void {
  for (const [kind, feature, hold] of callsOf(s, id)) {
    const next = cloneState(s);
    const client = next.clients[id];
    if (client === undefined) continue;
    next.callsLeft[id] = (next.callsLeft[id] ?? 0) - 1;
    client.call = kindNumber(kind);
    client.feature = feature;
    client.hold = hold;
    client.request++;
    stopWorking(next, kind, client.session);
    repeatCall(next, id, server);
    emit(next, () => `client ${id + 1} calls ${kind}${nameOf(feature)} on ${serverName(server)}`);
  }
}

function nameOf(feature: number): string {
  return feature === NOBODY ? "" : ` f${feature + 1}`;
}

/** An agent stops before it says that it has. */
function stopWorking(s: State, kind: Kind, session: number): void {
  const ends = kind === "done" || kind === "release" || kind === "close";
  if (!ends && kind !== "release-paths") return;
  for (const [id, claim] of s.claims.entries()) {
    if (claim.session !== session) continue;
    if (ends) s.work[id] = Work.none;
    s.workTouches[id] = (s.workTouches[id] ?? 0) & ~(ends ? -1 : (s.scope.extension ?? 0));
  }
}

/** The calls that make sense to a client: kind, feature, and the claim whose token it names. */
function* callsOf(s: State, id: number): Generator<[Kind, number, number]> {
  const client = s.clients[id];
  if (client === undefined) return;
  const may = (kind: Kind) => s.scope.calls[id]?.includes(kind) === true;
  if (client.session === NOBODY) {
    if (may("open")) yield ["open", NOBODY, NOBODY];
    return;
  }
  const { features } = s.postgres;
  const held = s.claims[client.knows];
  if (held !== undefined) {
    for (const kind of ["done", "release", "extend", "release-paths"] as const) {
      if (may(kind)) yield [kind, held.feature, client.knows];
    }
    if (may("pick")) yield ["pick", held.feature, NOBODY];
  } else if (may("pick")) {
    for (const feature of features.keys()) yield ["pick", feature, NOBODY];
  }
  if (held === undefined && may("take-over")) {
    for (const [id_, feature] of features.entries()) {
      if (feature.status === Status.active && feature.session !== client.session)
        yield ["take-over", id_, feature.claim];
    }
  }
  for (const kind of ["heartbeat", "close"] as const) if (may(kind)) yield [kind, NOBODY, NOBODY];
}
