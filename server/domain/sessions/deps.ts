import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import type { ClaimAccess } from "../recovery/claim-access.ts";

/** What the functions on sessions need. */
export interface SessionDeps {
  readonly database: Database;
  readonly claims: ClaimAccess;
  readonly clock: Clock;
  /** A UUID that nothing else has. */
  readonly newId: () => string;
}
