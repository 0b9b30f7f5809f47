import type { ClaimMode, ClaimTouch } from "../../domain/claims/claim-store.ts";
import type { ClaimId } from "../../domain/ids.ts";
import { alternativesOverlap } from "../../domain/paths/overlap.ts";
import type { Alternative, Pattern } from "../../domain/paths/pattern.ts";

/** One brace-free alternative of a held touch. */
interface Entry {
  readonly claimId: ClaimId;
  readonly mode: ClaimMode;
  /** The touch as it was given. */
  readonly text: string;
  readonly alternative: Alternative;
}

/** A directory or file of the repository, with what is held exactly there: literals, and globs whose literal part ends here. */
interface Node {
  readonly children: Map<string, Node>;
  readonly entries: Set<Entry>;
}

/** A held touch that overlaps an asked one. */
export interface HeldTouch {
  readonly claimId: ClaimId;
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
 * What is held in one project, as a tree of path segments.
 *
 * Everything that can overlap an alternative stands above, at or below its literal part: the cost of a search depends
 * on what stands there, not on how much is held elsewhere.
 */
export class ClaimIndex {
  private readonly root: Node = newNode();
  private readonly entriesByClaim = new Map<ClaimId, Entry[]>();

  get isEmpty(): boolean {
    return this.entriesByClaim.size === 0 && this.root.children.size === 0 && this.root.entries.size === 0;
  }

  add(claimId: ClaimId, touches: readonly ClaimTouch[]): void {
    const entries = touches.flatMap(({ pattern, mode }) =>
      pattern.alternatives.map((alternative) => ({ claimId, mode, text: pattern.text, alternative })),
    );
    this.entriesByClaim.set(claimId, entries);
    for (const entry of entries) {
      let node = this.root;
      for (const segment of literalPart(entry.alternative)) {
        let child = node.children.get(segment);
        if (child === undefined) {
          child = newNode();
          node.children.set(segment, child);
        }
        node = child;
      }
      node.entries.add(entry);
    }
  }

  remove(claimId: ClaimId): void {
    for (const entry of this.entriesByClaim.get(claimId) ?? []) {
      removeBelow(this.root, literalPart(entry.alternative), entry);
    }
    this.entriesByClaim.delete(claimId);
  }

  /**
   * The held touches of these modes that overlap a pattern; a claim may come more than once.
   *
   * @throws SearchBudgetSpentError
   */
  *overlapping(pattern: Pattern, modes: readonly ClaimMode[], budget: SearchBudget): Generator<HeldTouch> {
    for (const alternative of pattern.alternatives) {
      for (const entry of this.candidates(alternative, budget)) {
        if (modes.includes(entry.mode) && overlaps(alternative, entry.alternative, budget)) {
          yield entry;
        }
      }
    }
  }

  private *candidates(alternative: Alternative, budget: SearchBudget): Generator<Entry> {
    let node = this.root;
    for (const segment of literalPart(alternative)) {
      yield* spending(node.entries, budget);
      const child = node.children.get(segment);
      if (child === undefined) {
        return;
      }
      node = child;
    }
    const depth = literalPart(alternative).length;
    yield* below(node, maxDepth(alternative) - depth, budget);
  }
}

function newNode(): Node {
  return { children: new Map(), entries: new Set() };
}

/** Takes an entry out, and with it the nodes that nothing stands at or below any more. */
function removeBelow(node: Node, [segment, ...rest]: readonly string[], entry: Entry): void {
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
function* below(node: Node, depth: number, budget: SearchBudget): Generator<Entry> {
  yield* spending(node.entries, budget);
  if (depth > 0) {
    for (const child of node.children.values()) {
      spend(budget);
      yield* below(child, depth - 1, budget);
    }
  }
}

function* spending(entries: Iterable<Entry>, budget: SearchBudget): Generator<Entry> {
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
  const result = alternativesOverlap([asked], [held], budget);
  if (result === undefined) {
    throw new SearchBudgetSpentError();
  }
  return result;
}
