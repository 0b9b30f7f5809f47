import { recordOf } from "./postgres.ts";
import { isServed } from "./redis.ts";
import { breakPromise, DONE, NOBODY, type Process, Row, SessionState, type State, Work } from "./state.ts";

/** What runs: the calls of clients and of owners, the items of work of a reconciler, and recovery. */
export const KINDS = [
  "pick",
  "take-over",
  "extend",
  "done",
  "release",
  "release-paths",
  "close",
  "heartbeat",
  "open",
  "force-release",
  "remove-member",
  "expire",
  "settle",
  "free",
  "end-lease",
  "drain",
  "retain",
  "recover",
  "audit",
] as const;
export type Kind = (typeof KINDS)[number];

/** The atomic steps, in the words of CLAIMS section 4; each is one script or one transaction. */
export const STEPS = [
  "end",
  "P0",
  "P1",
  "P2",
  "P3",
  "P4",
  "How it ended",
  "Refuse",
  "Undo",
  "Void",
  "Settle",
  "Expire",
  "Expire in Redis",
  "Expire: done",
  "Extend P0",
  "Extend P1",
  "Extend P2",
  "Extend P3",
  "End in Redis first",
  "End",
  "End in Redis",
  "Drop the outbox row",
  "Shrink",
  "Shrink in Redis",
  "Drop the shrinking",
  "Close",
  "Close in Redis",
  "Close: drop the outbox row",
  "Heartbeat",
  "Heartbeat in Redis",
  "Open",
  "Open in Redis",
  "Open: record",
  "Open: undo",
  "Force",
  "Drain",
  "Remove",
  "Recover: raise the epoch",
  "Recover: begin",
  "Recover: read sessions",
  "Recover: sessions",
  "Recover: read claims",
  "Recover: claims",
  "Recover: read draining claims",
  "Recover: draining claims",
  "Recover: ready",
  "Audit: read Postgres",
  "Audit: read Redis",
  "Audit: Postgres again",
  "Audit: Redis again",
] as const;
export type StepName = (typeof STEPS)[number];

const STEP_NUMBER = Object.fromEntries(STEPS.map((name, number) => [name, number])) as Record<StepName, number>;
const KIND_NUMBER = Object.fromEntries(KINDS.map((name, number) => [name, number])) as Record<Kind, number>;

export function kindOf(process: { readonly kind: number }): Kind {
  return KINDS[process.kind] ?? "pick";
}

export function kindNumber(kind: Kind): number {
  return KIND_NUMBER[kind];
}

/** Runs one atomic step of a process, and answers what came of it in a word. */
export type Step = (s: State, p: Process) => string;

export function goTo(p: Process, step: StepName): void {
  p.step = STEP_NUMBER[step];
}

export function thenGoTo(p: Process, step: StepName): void {
  p.next = STEP_NUMBER[step];
}

export function stepNumber(step: StepName): number {
  return STEP_NUMBER[step];
}

const FIRST_STEPS: Record<Kind, StepName> = {
  pick: "P0",
  "take-over": "P0",
  extend: "Extend P0",
  done: "End",
  release: "End",
  "release-paths": "Shrink",
  close: "Close",
  heartbeat: "Heartbeat",
  open: "Open",
  "force-release": "Force",
  "remove-member": "Remove",
  expire: "Expire",
  settle: "Void",
  free: "End in Redis",
  "end-lease": "Expire in Redis",
  drain: "Drain",
  retain: "Shrink in Redis",
  recover: "Recover: raise the epoch",
  audit: "Audit: read Postgres",
};

/** A process at its first step. */
export function newProcess(kind: Kind, of: Partial<Process>): Process {
  return {
    kind: KIND_NUMBER[kind],
    step: STEP_NUMBER[FIRST_STEPS[kind]],
    client: NOBODY,
    session: NOBODY,
    request: 0,
    feature: NOBODY,
    heard: 0,
    epoch: 0,
    claim: NOBODY,
    hold: NOBODY,
    target: NOBODY,
    next: 0,
    claims: 0,
    revision: 0,
    touches: 0,
    read: 0,
    ...of,
  };
}

/**
 * Whether a script of this process is served. If not, it takes the epoch in force from Postgres, to ask again; where that
 * is the one it has, Redis is being recovered: then `otherwise` is what it does.
 */
export function served(s: State, p: Process, otherwise: () => void): boolean {
  if (isServed(s, p.epoch)) return true;
  if (s.postgres.epoch !== p.epoch) p.epoch = s.postgres.epoch;
  else otherwise();
  return false;
}

export const RECOVERING = "refused: RECOVERING";

export type Answer =
  | "ok"
  | "ended"
  | "alive"
  | "opened"
  | "refused"
  | "SESSION_EXPIRED"
  | "FENCING_TOKEN_STALE"
  | "UNAVAILABLE";

/** P4: ends the process, with its answer to the client, when that still listens. */
export function answer(s: State, p: Process, what: Answer): string {
  p.step = STEP_NUMBER.end;
  const client = p.heard === 1 ? s.clients[p.client] : undefined;
  if (client === undefined) return `${what}, which nobody hears`;
  // Nothing is known: the client calls again.
  if (what === "UNAVAILABLE") return what;
  checkTruth(s, p, what);
  const { late } = client;
  client.call = client.feature = client.hold = NOBODY;
  client.late = 0;
  switch (what) {
    case "ok":
      if (kindOf(p) !== "extend") client.knows = p.claim;
      if (late === 0) work(s, p.claim);
      break;
    case "alive":
      for (const [id, claim] of s.claims.entries()) {
        const goesOn = claim.session === p.session && s.work[id] === Work.finishing && s.postgres.rows[id] === Row.held;
        if (goesOn && late === 0) work(s, id);
      }
      break;
    case "opened":
      client.session = p.session;
      client.knows = NOBODY;
      break;
    case "ended":
      if (kindOf(p) === "done" || kindOf(p) === "release") client.knows = NOBODY;
      if (kindOf(p) === "close") client.session = client.knows = NOBODY;
      break;
    case "SESSION_EXPIRED":
      client.session = client.knows = NOBODY;
      break;
    case "FENCING_TOKEN_STALE":
      client.knows = NOBODY;
      break;
    case "refused":
      break;
  }
  return what;
}

function work(s: State, claim: number): void {
  s.work[claim] = Work.working;
  s.workTouches[claim] = s.postgres.touches[claim] ?? 0;
}

function checkTruth(s: State, p: Process, what: Answer): void {
  const refusal = what === "refused" || what === "SESSION_EXPIRED" || what === "FENCING_TOKEN_STALE";
  if (refusal && stands(s, p)) {
    breakPromise(s, `answered ${what} to a request that was granted and stands (invariant 12)`);
  }
  if (what === "SESSION_EXPIRED" && s.postgres.sessions[p.session] === SessionState.open) {
    breakPromise(s, "a holder was told of an expiry that is not committed (section 2)");
  }
  if (what === "ended" && s.postgres.rows[p.hold] === Row.held && kindOf(p) !== "release-paths") {
    breakPromise(s, "answered OK to an end that did not happen (invariant 13)");
  }
}

/** Whether the request of a call has a record, and what was granted by it holds. */
function stands(s: State, p: Process): boolean {
  const granted = recordOf(s, p.client, p.request);
  if (granted === undefined) return false;
  if (kindOf(p) === "open") return s.postgres.sessions[granted] === SessionState.open;
  return granted === DONE || s.postgres.rows[granted] === Row.held;
}
