import type { ClaimTouch } from "../claims/claim-store.ts";
import { conflicting, conflictsWith, searchBudget } from "../claims/held-touches.ts";
import { type SearchBudget, SearchBudgetSpentError, TouchIndex } from "../claims/touch-index.ts";
import type { FeatureId } from "../ids.ts";
import { type Candidate, MAX_PASSES } from "./choosing-store.ts";

/** A feature that is passed over for so long is waited for, however few passes that were. */
const MAX_WAIT_MS = 3_600_000;

/** A candidate as one choice sees it. */
export interface Contender extends Candidate {
  /** Compiled, with the modes that a pick would claim. */
  readonly claimed: readonly ClaimTouch[];
}

/** What a choice is made from. */
export interface Situation {
  /** In the order of work. */
  readonly contenders: readonly Contender[];
  /** Somebody has it, or is just getting it. */
  isTaken(contender: Contender): boolean;
  /** Nothing that it touches is held. */
  isFree(contender: Contender): boolean;
  /** Somebody else's work on it broke off, not long ago. */
  isLeftAlone(contender: Contender): boolean;
  readonly now: Date;
}

/** What was chosen. */
export interface Choice<Chosen extends Contender = Contender> {
  readonly chosen: Chosen;
  /** Those before it whose turn it was, but for what is held. */
  readonly passedOver: readonly FeatureId[];
}

/** The first of the choices; undefined when there is none. */
export function choose(situation: Situation): Choice | undefined {
  return choices(situation).next().value;
}

/**
 * The free contenders in the order in which they are chosen, as CLAIMS section 3 has it. The one that has waited too long
 * keeps everything that overlaps it from being chosen before it; work that is left alone comes after all else. Whether a
 * contender is free is asked when its turn comes.
 */
export function* choices(situation: Situation): Generator<Choice, undefined> {
  const isHeldBack = heldBackBy(longestWaiting(situation));
  const isFree = (contender: Contender) => situation.isFree(contender) && !isHeldBack(contender);
  const passedOver: FeatureId[] = [];
  const leftAlone: { readonly chosen: Contender; readonly passes: number }[] = [];
  for (const contender of situation.contenders) {
    if (situation.isTaken(contender)) continue;
    if (situation.isLeftAlone(contender)) leftAlone.push({ chosen: contender, passes: passedOver.length });
    else if (isFree(contender)) yield { chosen: contender, passedOver: [...passedOver] };
    else passedOver.push(contender.id);
  }
  for (const { chosen, passes } of leftAlone) {
    if (isFree(chosen)) yield { chosen, passedOver: passedOver.slice(0, passes) };
  }
  return undefined;
}

/** Of those that were passed over too often, or for too long, the one that has waited longest. */
export function longestWaiting({ contenders, isTaken, isLeftAlone, now }: Situation): Contender | undefined {
  const since = (contender: Contender) => contender.passedOverSince?.getTime() ?? Number.POSITIVE_INFINITY;
  let longest: Contender | undefined;
  for (const contender of contenders) {
    const tooLong = contender.passedOver >= MAX_PASSES || since(contender) <= now.getTime() - MAX_WAIT_MS;
    if (!tooLong || isTaken(contender) || isLeftAlone(contender)) continue;
    if (longest === undefined || since(contender) < since(longest)) longest = contender;
  }
  return longest;
}

/** Tells of whom the one that has waited longest comes first, since the two can't be worked on at once. */
export function heldBackBy(waitedFor: Contender | undefined): (contender: Contender) => boolean {
  if (waitedFor === undefined) return () => false;
  const index = new TouchIndex<FeatureId>();
  index.add(waitedFor.id, waitedFor.claimed);
  const conflicts = conflictsWith(index);
  return ({ id, claimed }) => id !== waitedFor.id && conflicts(claimed);
}

/** Candidates in the order of work; of several at the same place those first whose files most others wait for. */
export function hotFirst<One extends Contender>(inOrder: readonly One[]): readonly One[] {
  const tied = (a: One | undefined, b: One | undefined) => a?.lane === b?.lane && a?.position === b?.position;
  if (!inOrder.some((one, index) => index > 0 && tied(one, inOrder[index - 1]))) return inOrder;
  const index = new TouchIndex<FeatureId>();
  for (const { id, claimed } of inOrder) index.add(id, claimed);
  const budget = searchBudget();
  const heat = new Map(
    inOrder
      .filter((one, at) => tied(one, inOrder[at - 1]) || tied(one, inOrder[at + 1]))
      .map((one) => [one.id, heatOf(one, index, budget)]),
  );
  // The sort is stable: whoever differs in place, or not even in heat, stays where it was.
  return [...inOrder].sort((a, b) => (tied(a, b) ? (heat.get(b.id) ?? 0) - (heat.get(a.id) ?? 0) : 0));
}

/** How many want the files of a contender, itself among them, as far as the budget lasts. */
function heatOf({ claimed }: Contender, index: TouchIndex<FeatureId>, budget: SearchBudget): number {
  const wanting = new Set<FeatureId>();
  try {
    for (const { owner } of conflicting(index, claimed, budget)) wanting.add(owner);
  } catch (error) {
    if (!(error instanceof SearchBudgetSpentError)) throw error;
  }
  return wanting.size;
}
