import type { EngineerId, ProjectId, SessionId } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Session, SessionState } from "./session.ts";

/** A list of sessions is ordered by opening, the longest open first. */
export interface SessionListKey {
  readonly openTime: Date;
  readonly id: SessionId;
}

/** Keeps the records of sessions; their leases are in the claim store. */
export interface SessionStore {
  /** Adds an open session; false when the engineer has one open under that client_session_id. */
  insert(session: Omit<Session, "engineerName" | "featureSlug" | "state" | "endTime">): Promise<boolean>;

  get(projectId: ProjectId, id: SessionId): Promise<Session | undefined>;

  /** Several sessions, of whatever project. */
  getMany(ids: readonly SessionId[]): Promise<Session[]>;

  findOpen(projectId: ProjectId, engineerId: EngineerId, clientSessionId: string): Promise<Session | undefined>;

  /** Whether the session is open; keeps it so until the transaction ends. */
  lockOpen(id: SessionId): Promise<boolean>;

  /** How many sessions an engineer has open in a project. */
  countOpen(projectId: ProjectId, engineerId: EngineerId): Promise<number>;

  /** How many sessions are open in all projects. */
  countAllOpen(): Promise<number>;

  listOpen(projectId: ProjectId, page: PageRequest<SessionListKey>): Promise<Page<Session, SessionListKey>>;

  /** Every open session of a project, or of one engineer in it. */
  listAllOpen(projectId: ProjectId, engineerId?: EngineerId): Promise<Session[]>;

  /**
   * Ends an open session. Undefined when it is not open; else what it was. Its lease is not known to be ended then:
   * `markLeaseEnded` says so.
   */
  end(id: SessionId, state: Exclude<SessionState, "open">, time: Date): Promise<Session | undefined>;

  /** The claim store has ended the lease of this ended session, and all that it held. */
  markLeaseEnded(id: SessionId): Promise<void>;

  /** Up to `limit` ended sessions of a project whose lease is not known to be ended, the earliest first. */
  listEnding(projectId: ProjectId, limit: number): Promise<SessionId[]>;
}
