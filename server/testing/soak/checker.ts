import type { Operation } from "./history.ts";
import type { ClaimsSpec, ClaimsState } from "./spec.ts";

/** What the search has found. */
export type Verdict = {
  readonly operations: number;
  /** How many different points (what has happened, and how things are then) were looked at. */
  readonly states: number;
} & (
  | { readonly kind: "linearizable" }
  /** In no order do these answers make sense. `stuck` are the operations that could not happen at the farthest point. */
  | { readonly kind: "not linearizable"; readonly happened: number; readonly stuck: readonly Operation[] }
  /** The bound was reached: nothing is known, which counts as a failure. */
  | { readonly kind: "given up" }
);

/** One choice on the way: what could happen at this point, and how far we have tried. */
interface Choice {
  readonly state: ClaimsState;
  readonly candidates: readonly { readonly index: number; readonly next: ClaimsState }[];
  tried: number;
  /** How much had happened before. */
  readonly happened: number;
}

/**
 * Looks for an order of all operations that respects real time and that the sequential specification allows: a depth
 * first search that never looks at the same point twice. Operations that return at infinity may be left out.
 *
 * What changes nothing happens as soon as it can, since nothing else depends on it; all else is a choice.
 */
export function checkLinearizable(spec: ClaimsSpec, operations: readonly Operation[], maxStates = 200_000): Verdict {
  const pending = new Pending(operations);
  const seen = new Set<string>();
  const choices: Choice[] = [];
  let state = spec.initial;
  let farthest = { happened: -1, stuck: [] as Operation[] };
  const count = () => ({ operations: operations.length, states: seen.size });

  for (;;) {
    state = takeWhatChangesNothing(spec, state, pending);
    if (pending.allRequiredHappened()) return { kind: "linearizable", ...count() };
    const key = `${pending.hash()} ${spec.keyOfState(state)}`;
    if (!seen.has(key)) {
      if (seen.size >= maxStates) return { kind: "given up", ...count() };
      seen.add(key);
      if (pending.happened() > farthest.happened) {
        farthest = { happened: pending.happened(), stuck: pending.window().map((index) => pending.at(index)) };
      }
      choices.push({ state, candidates: candidatesAt(spec, state, pending), tried: 0, happened: pending.happened() });
    }
    // The next untried candidate of the latest choice that has one left.
    for (;;) {
      const choice = choices.at(-1);
      if (choice === undefined) return { kind: "not linearizable", ...count(), ...farthest };
      pending.undoTo(choice.happened);
      const candidate = choice.candidates[choice.tried++];
      if (candidate !== undefined) {
        pending.take(candidate.index);
        state = candidate.next;
        break;
      }
      choices.pop();
    }
  }
}

/** Lets everything happen that leaves things as they are, and new sessions, which are in nobody's way. */
function takeWhatChangesNothing(spec: ClaimsSpec, from: ClaimsState, pending: Pending): ClaimsState {
  let state = from;
  for (let again = true; again; ) {
    again = false;
    for (const index of pending.window()) {
      const operation = pending.at(index);
      const step = spec.step(state, operation);
      if (step === "impossible" || step === "without effect") continue;
      if (step === "over" || step === state || operation.answer.kind === "opened") {
        pending.take(index);
        if (step !== "over") state = step;
        again = true;
      }
    }
  }
  return state;
}

/**
 * What could happen now. What is known to have happened comes first, by its return. An unknown outcome is a choice only
 * where it may be what something else waits for: it has until infinity to happen, so there is no need to try it before.
 */
function candidatesAt(spec: ClaimsSpec, state: ClaimsState, pending: Pending): Choice["candidates"] {
  const known: { index: number; next: ClaimsState }[] = [];
  const waiting: Operation[] = [];
  let unknown: { index: number; operation: Operation; step: ClaimsState | "without effect" }[] = [];
  for (const index of pending.window()) {
    const operation = pending.at(index);
    const step = spec.step(state, operation);
    if (Number.isFinite(operation.return)) {
      if (typeof step === "string") waiting.push(operation);
      else known.push({ index, next: step });
    } else if (step !== "impossible" && step !== "over") unknown.push({ index, operation, step });
  }
  known.sort((a, b) => pending.at(a.index).return - pending.at(b.index).return);
  waiting.sort((a, b) => a.return - b.return);
  const helpful: { index: number; next: ClaimsState }[] = [];
  // What waits may be an unknown outcome itself, which another one makes possible.
  for (let wanting = waiting.shift(); wanting !== undefined; wanting = waiting.shift()) {
    const wants = wanting;
    const helps = unknown.filter(({ operation }) => spec.mayHelp(state, operation, wants));
    unknown = unknown.filter((each) => !helps.includes(each));
    for (const { index, operation, step } of helps) {
      if (step === "without effect") waiting.push(operation);
      else helpful.push({ index, next: step });
    }
  }
  return [...known, ...helpful];
}

/** Which operations have not happened yet, with undo. */
class Pending {
  private readonly sorted: readonly Operation[];
  /** Indices of those that must happen, by return. */
  private readonly byReturn: readonly number[];
  /** Where an operation is in that list. */
  private readonly ranks: Int32Array;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private readonly taken: Uint8Array;
  private readonly trail: number[] = [];
  private readonly marks: readonly (readonly [number, number])[];
  private first = 0;
  private low = 0;
  private high = 0;

  constructor(operations: readonly Operation[]) {
    this.sorted = operations.toSorted((a, b) => a.invoke - b.invoke);
    const count = operations.length;
    this.byReturn = this.sorted
      .map((_, index) => index)
      .filter((index) => Number.isFinite(this.at(index).return))
      .sort((a, b) => this.at(a).return - this.at(b).return);
    this.ranks = new Int32Array(count).fill(count);
    for (const [rank, index] of this.byReturn.entries()) this.ranks[index] = rank;
    // A ring whose last place is its beginning and end.
    this.next = Int32Array.from({ length: count + 1 }, (_, index) => (index + 1) % (count + 1));
    this.previous = Int32Array.from({ length: count + 1 }, (_, index) => (index + count) % (count + 1));
    this.taken = new Uint8Array(count);
    const random = () => Math.floor(Math.random() * 2 ** 31);
    this.marks = this.sorted.map(() => [random(), random()]);
  }

  at(index: number): Operation {
    const operation = this.sorted[index];
    if (operation === undefined) throw new Error(`there is no operation ${index}`);
    return operation;
  }

  happened(): number {
    return this.trail.length;
  }

  /** Stands for the set of what has happened; sets that differ differ here but for a chance of 2⁻⁶². */
  hash(): string {
    return `${this.low} ${this.high}`;
  }

  allRequiredHappened(): boolean {
    this.skipTaken();
    return this.first === this.byReturn.length;
  }

  /** The one that has to happen first of all, because it returned first. */
  mostUrgent(): number {
    this.skipTaken();
    return this.byReturn[this.first] ?? -1;
  }

  /** Those that may happen next: nothing that is left returned before they began. */
  window(): number[] {
    const urgent = this.mostUrgent();
    const bound = urgent === -1 ? Number.POSITIVE_INFINITY : this.at(urgent).return;
    const found: number[] = [];
    const end = this.sorted.length;
    for (let index = this.next[end] ?? end; index !== end; index = this.next[index] ?? end) {
      if (this.at(index).invoke > bound) break;
      found.push(index);
    }
    return found;
  }

  take(index: number): void {
    const [before, after] = this.neighbours(index);
    this.next[before] = after;
    this.previous[after] = before;
    this.taken[index] = 1;
    this.trail.push(index);
    this.mark(index);
  }

  undoTo(happened: number): void {
    while (this.trail.length > happened) {
      const index = this.trail.pop() ?? -1;
      const [before, after] = this.neighbours(index);
      this.next[before] = index;
      this.previous[after] = index;
      this.taken[index] = 0;
      this.first = Math.min(this.first, this.ranks[index] ?? 0);
      this.mark(index);
    }
  }

  private skipTaken(): void {
    while (this.first < this.byReturn.length && this.taken[this.byReturn[this.first] ?? -1] === 1) this.first++;
  }

  private mark(index: number): void {
    const [low = 0, high = 0] = this.marks[index] ?? [];
    this.low ^= low;
    this.high ^= high;
  }

  private neighbours(index: number): [number, number] {
    return [this.previous[index] ?? -1, this.next[index] ?? -1];
  }
}
