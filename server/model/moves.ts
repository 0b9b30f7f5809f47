import { AUDIT_STEPS } from "./audit.ts";
import { clientMoves, type Emit, serverName } from "./clients.ts";
import { END_STEPS, EXTEND_STEPS } from "./end.ts";
import { backgroundMoves, environmentMoves } from "./environment.ts";
import { cloneState } from "./new-state.ts";
import { PICK_STEPS } from "./pick.ts";
import { KINDS, STEPS, type Step, type StepName } from "./process.ts";
import { RECOVER_STEPS } from "./recover.ts";
import { SESSION_STEPS } from "./session.ts";
import { NOBODY, type Process, type State } from "./state.ts";

const ALL: Partial<Record<StepName, Step>> = {
  ...PICK_STEPS,
  ...EXTEND_STEPS,
  ...END_STEPS,
  ...SESSION_STEPS,
  ...RECOVER_STEPS,
  ...AUDIT_STEPS,
};
const STEP_FUNCTIONS = STEPS.map((name) => ALL[name] ?? (() => "ended"));

/** Every state that can follow, with how to say what led to it; in the same order whenever asked. */
export function moves(s: State, emit: Emit): void {
  for (let server = 0; server < s.processes.length; server++) {
    const before = s.processes[server];
    if (before === undefined) continue;
    const next = cloneState(s);
    const word = advance(next, server);
    emit(next, () => `${serverName(server)}, ${describe(s, before)}: ${word}`);
  }
  clientMoves(s, emit);
  backgroundMoves(s, emit);
  environmentMoves(s, emit);
  if (s.late !== undefined) {
    const { late } = s;
    const next = cloneState(s);
    next.late = undefined;
    const word = makeStep(next, { ...late });
    emit(next, () => `the message that nobody waits for arrives, ${describe(s, late)}: ${word}`);
  }
}

/** Runs the next step of the process on a server. */
export function advance(s: State, server: number): string {
  const process = s.processes[server];
  if (process === undefined) return "";
  const word = makeStep(s, process);
  if (process.step === 0) s.processes[server] = undefined;
  return word;
}

function makeStep(s: State, process: Process): string {
  return STEP_FUNCTIONS[process.step]?.(s, process) ?? "";
}

function describe(s: State, p: Process): string {
  const what = KINDS[p.kind] ?? "";
  const feature = p.feature === NOBODY ? "" : ` f${p.feature + 1}`;
  const claim = p.claim === NOBODY ? "" : ` c${p.claim + 1}`;
  const whose = p.client === NOBODY ? "" : ` for client ${p.client + 1}`;
  const target = p.target === NOBODY ? "" : ` s${p.target + 1}`;
  const about = p.client === NOBODY && p.claims > 0 ? claimNames(p.claims, s.claims.length) : claim;
  const epoch = p.epoch === 0 ? "" : ` under epoch ${p.epoch}`;
  return `${what}${feature}${whose}: ${STEPS[p.step]}${about}${target}${epoch}`;
}

function claimNames(set: number, count: number): string {
  const names = Array.from({ length: count }, (_, claim) => `c${claim + 1}`).filter((_, claim) => (set >> claim) & 1);
  return names.length === 0 ? "" : ` ${names.join(", ")}`;
}
