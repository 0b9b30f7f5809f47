import type { NexusContext } from "../context.ts";

/** One thing that was looked at. */
export interface Check {
  /** What was looked at; unique within its section. */
  readonly name: string;
  /** A warning works today and may not tomorrow; a failure does not work; what is skipped could not be looked at. */
  readonly state: "ok" | "warning" | "failure" | "skipped";
  /** What was found, in a sentence. No secret. */
  readonly detail: string;
  /** What to do about it; empty where there is nothing to do. */
  readonly next: string;
}

/** What belongs together: all of it can be looked at from one place. */
export interface Section {
  /** As in `nexus doctor server`. */
  readonly name: string;
  /** Looks, and changes nothing; ends within seconds whatever does not answer. */
  readonly check: (context: NexusContext) => Promise<readonly Check[]>;
}
