import { violation } from "./invariants.ts";
import { moves } from "./moves.ts";
import { initialState } from "./new-state.ts";
import { Packer } from "./pack.ts";
import { STEPS, type StepName } from "./process.ts";
import { crashed, lastingViolation } from "./rest.ts";
import type { Scope, State } from "./state.ts";
import { unpackState } from "./unpack.ts";
import { HashSet, StateLog } from "./visited.ts";

/** What a search found. */
export interface Found {
  readonly states: number;
  readonly moves: number;
  /** The length of the longest shortest way to a state; of the counter-example, when there is one. */
  readonly depth: number;
  /** Whether every state was looked at. */
  readonly complete: boolean;
  /** Undefined when every promise is kept. */
  readonly violation: string | undefined;
  /** What leads to it, one line a step. */
  readonly trace: readonly string[];
  /** The steps of the protocol that some process came to. */
  readonly reached: readonly StepName[];
}

/**
 * Looks at every state that a scope can come to, breadth first, so that the first violation is one of the shortest.
 *
 * Each state is also crashed, and what then lasts is looked at. Visited states are told apart by 64 bits of hash: with
 * ten million of them, two that differ are taken for one with a probability of one in 300,000.
 */
export function explore(scope: Scope, mostStates = Number.POSITIVE_INFINITY): Found {
  const packer = new Packer(scope);
  const visited = new HashSet();
  const settled = new HashSet();
  const log = new StateLog(packer.pack(initialState(scope)).length);
  const reached = new Set<number>();
  let made = 0;
  let wrong: string | undefined;

  const visit = (s: State, parent: number, ordinal: number) => {
    wrong = violation(s);
    if (wrong === undefined) {
      visited.startKey();
      settled.startKey();
      for (const renaming of packer.renamings) {
        const words = packer.pack(s, renaming, true);
        visited.offer(words, words.length);
        settled.offer(words, packer.lasting);
      }
      if (!visited.addKey()) return;
      if (settled.addKey()) wrong = lastingViolation(crashed(s));
    }
    log.append(packer.pack(s), parent, ordinal);
  };

  visit(initialState(scope), 0, 0);
  let depth = 0;
  let endOfLayer = log.length;
  for (let id = 0; id < log.length && wrong === undefined && log.length < mostStates; id++) {
    if (id === endOfLayer) {
      depth++;
      endOfLayer = log.length;
    }
    let ordinal = 0;
    const from = unpackState(scope, log.take(id));
    for (const process of from.processes) if (process !== undefined) reached.add(process.step);
    moves(from, (next) => {
      if (wrong === undefined) visit(next, id, ordinal);
      ordinal++;
    });
    made += ordinal;
  }
  const complete = wrong === undefined && log.length < mostStates;
  const trace = wrong === undefined ? [] : retrace(scope, log.ordinalsTo(log.length - 1));
  return {
    states: log.length,
    moves: made,
    depth: wrong === undefined ? depth : trace.length,
    complete,
    violation: wrong,
    trace,
    reached: STEPS.filter((_, step) => reached.has(step)),
  };
}

/** Makes the moves again that led to a state, and says each. */
function retrace(scope: Scope, ordinals: readonly number[]): string[] {
  let s = initialState(scope);
  const lines: string[] = [];
  for (const wanted of ordinals) {
    let ordinal = 0;
    const from = s;
    moves(from, (next, say) => {
      if (ordinal++ !== wanted) return;
      s = next;
      lines.push(say());
    });
  }
  if (violation(s) !== undefined) return lines;
  lines.push("everything crashes here; what follows is undisturbed:");
  lastingViolation(crashed(s), (what) => lines.push(`  ${what}`));
  return lines;
}
