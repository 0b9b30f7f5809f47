import { NexusError, type NexusErrorReason, watchEvents } from "@nexus/client";
import { EventKind } from "@nexus/gen/nexus/v1/event_pb";
import type { Workspace } from "./workspace.ts";

/** Refusals that end when somebody else finishes something. */
const PASSING: ReadonlySet<NexusErrorReason> = new Set([
  "CLAIM_CONFLICT",
  "FEATURE_ALREADY_HELD",
  "NOTHING_AVAILABLE",
  "DEPENDENCIES_UNMET",
]);

/** What bounds the waiting, and who hears of it. */
export interface WaitOptions {
  /** Ends the waiting; the last refusal is thrown then. */
  readonly signal: AbortSignal;
  /** Told once, of the first refusal. */
  readonly onRefused: (refusal: NexusError) => void;
}

/**
 * Repeats an attempt to take something until nobody else holds what it needs: with every event that may have freed it,
 * and every time the stream of events says that it is alive (15 s), since what drains is freed without an event.
 *
 * @throws NexusError the last refusal when the signal is aborted first, and at once any that waiting does not mend
 */
export async function waitUntilFree<Answer>(
  attempt: () => Promise<Answer>,
  workspace: Workspace,
  { signal, onRefused }: WaitOptions,
): Promise<Answer> {
  const projectId = await workspace.projectId();
  const { features, events } = workspace.client;
  // Read before the first attempt, so that what is freed right after that is not missed.
  const { eventCursor: after } = await features.listFeatures({ projectId, pageSize: 1 });
  let refusal = await refusalOf(attempt);
  if (!(refusal instanceof NexusError)) return refusal.answer;
  onRefused(refusal);
  const options = { signal, timeoutMs: workspace.timeoutMs };
  const filters = { kinds: [EventKind.FEATURE, EventKind.CLAIM] };
  for await (const _ of watchEvents(events, { projectId, after, filters }, options)) {
    const next = await refusalOf(attempt);
    if (!(next instanceof NexusError)) return next.answer;
    refusal = next;
  }
  throw refusal;
}

async function refusalOf<Answer>(attempt: () => Promise<Answer>): Promise<NexusError | { readonly answer: Answer }> {
  try {
    return { answer: await attempt() };
  } catch (error) {
    if (error instanceof NexusError && PASSING.has(error.reason)) return error;
    throw error;
  }
}
