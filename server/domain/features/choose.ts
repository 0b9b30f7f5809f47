import type { ClaimTouch } from "../claims/claim-store.ts";
import { conflicting } from "../claims/held-touches.ts";
import { SearchBudgetSpentError, TouchIndex } from "../claims/touch-index.ts";
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

/**
 * The first free contender, as CLAIMS section 3 has it. The one that has waited too long keeps everything that overlaps
 * it from being chosen before it; work that is left alone is chosen only when nothing else is free.
 */
export function choose(situation: Situation): Choice | undefined {
  const waitedFor = longestWaiting(situation);
  const passedOver: FeatureId[] = [];
  let last: Choice | undefined;
  for (const contender of situation.contenders) {
    if (situation.isTaken(contender)) continue;
    const isFree = situation.isFree(contender) && !isHeldBack(contender, waitedFor);
    if (situation.isLeftAlone(contender)) {
      if (isFree) last ??= { chosen: contender, passedOver: [...passedOver] };
    } else if (isFree) {
      return { chosen: contender, passedOver };
    } else {
      passedOver.push(contender.id);
    }
  }
  return last;
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

/** Whether the one that has waited longest comes first, since the two can't be worked on at once. */
export function isHeldBack(contender: Contender, waitedFor: Contender | undefined): boolean {
  return waitedFor !== undefined && waitedFor.id !== contender.id && conflict(contender.claimed, waitedFor.claimed);
}

/** Candidates in the order of work; of several at the same place those first whose files most others wait for. */
export function hotFirst<One extends Contender>(inOrder: readonly One[]): readonly One[] {
  const tied = (a: One | undefined, b: One | undefined) => a?.lane === b?.lane && a?.position === b?.position;
  if (!inOrder.some((one, index) => index > 0 && tied(one, inOrder[index - 1]))) return inOrder;
  const index = new TouchIndex<FeatureId>();
  for (const { id, claimed } of inOrder) index.add(id, claimed);
  const heat = new Map(
    inOrder
      .filter((one, at) => tied(one, inOrder[at - 1]) || tied(one, inOrder[at + 1]))
      .map((one) => [one.id, overlapping(index, one.claimed).size]),
  );
  // The sort is stable: whoever differs in place, or not even in heat, stays where it was.
  return [...inOrder].sort((a, b) => (tied(a, b) ? (heat.get(b.id) ?? 0) - (heat.get(a.id) ?? 0) : 0));
}

/** Whether two features can't be worked on at once. */
function conflict(a: readonly ClaimTouch[], b: readonly ClaimTouch[]): boolean {
  const index = new TouchIndex<"b">();
  index.add("b", b);
  return overlapping(index, a).size > 0;
}

/** The owners of touches that conflict with these; undefined among them where it is too much to be compared. */
export function overlapping<Owner>(
  index: TouchIndex<Owner>,
  touches: readonly ClaimTouch[],
): ReadonlySet<Owner | undefined> {
  const owners = new Set<Owner | undefined>();
  try {
    for (const { owner } of conflicting(index, touches)) owners.add(owner);
  } catch (error) {
    if (!(error instanceof SearchBudgetSpentError)) throw error;
    owners.add(undefined);
  }
  return owners;
}
