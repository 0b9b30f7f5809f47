import type { EngineerId, ProjectId, SessionId, Slug } from "../ids.ts";

/** Whether a session is at work. */
export type SessionState = "open" | "closed" | "expired";

/** One agent at work. */
export interface Session {
  readonly id: SessionId;
  readonly projectId: ProjectId;
  readonly engineerId: EngineerId;
  readonly engineerName: string;
  readonly clientSessionId: string;
  readonly agent: string;
  readonly host: string;
  readonly worktree: string;
  readonly branch: string;
  readonly state: SessionState;
  /** The feature it holds. */
  readonly featureSlug: Slug | undefined;
  readonly openTime: Date;
  readonly endTime: Date | undefined;
}

/** A session with its lease, as callers see it. */
export interface SessionView {
  readonly session: Session;
  /** The end of the lease; when the session has ended, that time. */
  readonly expireTime: Date | undefined;
  /** The last sign of life. */
  readonly lastHeartbeatTime: Date | undefined;
}
