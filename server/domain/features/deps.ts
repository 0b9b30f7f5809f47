import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import type { ClaimAccess } from "../recovery/claim-access.ts";
import type { Choosing } from "./choosing.ts";

/** What the functions on features need. */
export interface FeatureDeps {
  readonly database: Database;
  readonly claims: ClaimAccess;
  readonly clock: Clock;
  /** What the calls of this server choose among themselves. */
  readonly choosing: Choosing;
  /** A UUID that nothing else has. */
  readonly newId: () => string;
  /** Resolves after so many milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  /** Told of what was done to somebody else's work, by whom and why; kept in the log. */
  readonly audit: (what: string, data: Record<string, unknown>) => void;
  /** Told of what the protocol says cannot happen; it ends up in the log and in a metric. */
  readonly alarm: (what: string, data: Record<string, unknown>) => void;
}
