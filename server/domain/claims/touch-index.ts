import { alternativesOverlap } from "../paths/overlap.ts";
import type { Alternative, Pattern } from "../paths/pattern.ts";
import { MAX_STEPS_PER_PAIR } from "../paths/sequence-overlap.ts";
import type { ClaimMode, ClaimTouch } from "./claim-store.ts";

/** One brace-free alternative of a held touch. */
interface Entry<Owner> {
  readonly owner: Owner;
  readonly mode: ClaimMode;
  /** The touch as it was given. */
  readonly text: string;
  readonly alternative: Alternative;
}

/** A directory or file of the repository, with what stands exactly there: literals, and globs whose literal part ends here. */
interface Node<Owner> {
  readonly children: Map<string, Node<Owner>>;
  readonly entries: Set<Entry<Owner>>;
}

/** A touch in the index that overlaps an asked one. */
export interface IndexedTouch<Owner> {
  readonly owner: Owner;
  readonly text: string;
  readonly mode: ClaimMode;
}

/** How much may still be looked at; counted down. */
export interface SearchBudget {
  /** Entries and directories. */
  candidates: number;
  /** Steps of comparison. */
  steps: number;
}

/** The search looked at as much as it was allowed to. */
export class SearchBudgetSpentError extends Error {}

/**
 * The touches of claims or features (their owners), as a tree of path segments.
 *
 * Everything that can overlap an alternative stands above, at or below its literal part: the cost of a search depends
 * on what stands there, not on how much stands elsewhere.
 */
export class TouchIndex<Owner> {
  private readonly root: Node<Owner> = newNode();
  private readonly entriesByOwner = new Map<Owner, Entry<Owner>[]>();

  get isEmpty(): boolean {
    return this.entriesByOwner.size === 0 && this.root.children.size === 0 && this.root.entries.size === 0;
  }

  add(owner: Owner, touches: readonly ClaimTouch[]): void {
    const entries = touches.flatMap(({ pattern, mode }) =>
      pattern.alternatives.map((alternative) => ({ owner, mode, text: pattern.text, alternative })),
    );
    this.entriesByOwner.set(owner, entries);
    for (const entry of entries) {
      let node = this.root;
      for (const segment of literalPart(entry.alternative)) {
        let child = node.children.get(segment);
        if (child === undefined) {
          child = newNode<Owner>();
          node.children.set(segment, child);
        }
        node = child;
      }
      node.entries.add(entry);
    }
  }

  remove(owner: Owner): void {
    for (const entry of this.entriesByOwner.get(owner) ?? []) {
      removeBelow(this.root, literalPart(entry.alternative), entry);
    }
    this.entriesByOwner.delete(owner);
  }

  /**
   * The touches of these modes that overlap a pattern; an owner may come more than once.
   *
   * @throws SearchBudgetSpentError
   */
  *overlapping(pattern: Pattern, modes: readonly ClaimMode[], budget: SearchBudget): Generator<IndexedTouch<Owner>> {
    for (const alternative of pattern.alternatives) {
      for (const entry of this.candidates(alternative, budget)) {
        if (modes.includes(entry.mode) && overlaps(alternative, entry.alternative, budget)) {
          yield entry;
        }
      }
    }
  }

  private *candidates(alternative: Alternative, budget: SearchBudget): Generator<Entry<Owner>> {
    let node = this.root;
    const literal = literalPart(alternative);
    for (const segment of literal) {
      // Nothing stands at most directories, and a generator for nothing costs more than the look-up.
      if (node.entries.size > 0) yield* spending(node.entries, budget);
      const child = node.children.get(segment);
      if (child === undefined) {
        return;
      }
      node = child;
    }
    yield* below(node, maxDepth(alternative) - literal.length, budget);
  }
}

function newNode<Owner>(): Node<Owner> {
  return { children: new Map(), entries: new Set() };
}

/** Takes an entry out, and with it the nodes that nothing stands at or below any more. */
function removeBelow<Owner>(node: Node<Owner>, [segment, ...rest]: readonly string[], entry: Entry<Owner>): void {
  if (segment === undefined) {
    node.entries.delete(entry);
    return;
  }
  const child = node.children.get(segment);
  if (child !== undefined) {
    removeBelow(child, rest, entry);
    if (child.children.size === 0 && child.entries.size === 0) {
      node.children.delete(segment);
    }
  }
}

/** The entries at a node and down to `depth` levels below it. */
function* below<Owner>(node: Node<Owner>, depth: number, budget: SearchBudget): Generator<Entry<Owner>> {
  yield* spending(node.entries, budget);
  if (depth > 0) {
    for (const child of node.children.values()) {
      spend(budget);
      yield* below(child, depth - 1, budget);
    }
  }
}

function* spending<Owner>(entries: Iterable<Entry<Owner>>, budget: SearchBudget): Generator<Entry<Owner>> {
  for (const entry of entries) {
    spend(budget);
    yield entry;
  }
}

function spend(budget: SearchBudget): void {
  if (budget.candidates <= 0) {
    throw new SearchBudgetSpentError();
  }
  budget.candidates -= 1;
}

/** The segments before the first wildcard. */
function literalPart(alternative: Alternative): readonly string[] {
  const wildcard = alternative.segments.findIndex((segment) => typeof segment !== "string");
  return (wildcard < 0 ? alternative.segments : alternative.segments.slice(0, wildcard)) as readonly string[];
}

/** Segments of the longest path that an alternative covers. */
function maxDepth({ segments, tree }: Alternative): number {
  return tree || segments.includes(0) ? Number.POSITIVE_INFINITY : segments.length;
}

function overlaps(asked: Alternative, held: Alternative, budget: SearchBudget): boolean {
  const most = Math.min(MAX_STEPS_PER_PAIR, budget.steps);
  const pair = { steps: most };
  const result = alternativesOverlap([asked], [held], pair);
  budget.steps -= most - pair.steps;
  if (result === undefined) {
    throw new SearchBudgetSpentError();
  }
  return result;
}
