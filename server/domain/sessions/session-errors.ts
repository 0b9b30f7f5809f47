import type { Touch } from "../claims/touch.ts";
import { NexusError } from "../errors.ts";
import type { SessionId, Slug } from "../ids.ts";

/** The session has ended; nothing revives it. */
export class SessionExpiredError extends NexusError {
  readonly reason = "SESSION_EXPIRED";

  constructor(
    readonly sessionId: SessionId,
    readonly expireTime: Date | undefined,
    readonly lostFeatureSlug: Slug | undefined,
    readonly lostTouches: readonly Touch[],
  ) {
    super(
      `session ${sessionId} has ended${expireTime === undefined ? "" : ` (${expireTime.toISOString()})`}${
        lostFeatureSlug === undefined
          ? "; open another: 'nexus session open'"
          : ` and lost ${lostFeatureSlug}; stop working on it, open another session and run 'nexus feature pick ${lostFeatureSlug}'`
      }`,
    );
  }
}
