import { NexusError } from "../errors.ts";
import type { DecisionId } from "../ids.ts";

/** The decision that was to be superseded is superseded already; superseding it again would make two lines of one. */
export class SupersessionCycleError extends NexusError {
  readonly reason = "SUPERSESSION_CYCLE";

  constructor(
    readonly decisionId: DecisionId,
    /** What is in force in its place. */
    readonly inForceId: DecisionId,
  ) {
    super(`decision ${decisionId} is superseded already; ${inForceId} is in force in its place: supersede that one`);
  }
}
