import type { ProjectId } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Event, EventFilter, NewEvent } from "./event.ts";

/** Payloads of one page together, as JSON: a page ends with the event that reaches it, however many were asked for. */
export const MAX_PAGE_BYTES = 1_048_576;

/** Which sequences of a project there are: those from `oldest` to `latest`; none when `oldest` is the greater one. */
export interface LogExtent {
  /** The oldest event that is kept; 1 in a project where nothing has happened. */
  readonly oldest: bigint;
  /** The last one; 0 in a project where nothing has happened. */
  readonly latest: bigint;
}

/** Reads the events of projects. */
export interface EventReader {
  /** Undefined when there is no such project. */
  extent(projectId: ProjectId): Promise<LogExtent | undefined>;

  /** The last sequences of these projects; those that are gone are left out. */
  latest(projectIds: readonly ProjectId[]): Promise<ReadonlyMap<ProjectId, bigint>>;

  /** The next up to `limit` events after `after`, in order, whatever they are; none only when there are none. */
  after(projectId: ProjectId, after: bigint, limit: number): Promise<Event[]>;

  /** A page of the events that the filter lets through, in order; shorter than its size also where it is large. */
  list(projectId: ProjectId, filter: EventFilter, page: PageRequest<bigint>): Promise<Page<Event, bigint>>;

  /** The first event at or after that time; undefined when there is none. */
  firstSince(projectId: ProjectId, since: Date): Promise<bigint | undefined>;
}

/** The event log within a transaction. */
export interface EventLog extends EventReader {
  /**
   * Adds events, which are committed with the transaction or not at all. They are written when its work is done: that
   * locks the project's row, which comes last in the lock order, and numbers them in the order of commits.
   */
  append(...events: readonly NewEvent[]): void;
}

/** Told that a project has events up to a sequence. */
export type WakeUpListener = (projectId: ProjectId, latest: bigint) => void;

/**
 * Tells readers that there is something to read, in this process and in the others. Only hints: one may be lost, come
 * twice or late, and nothing rests on it.
 */
export interface WakeUps {
  /** Never throws, never waits. */
  publish(projectId: ProjectId, latest: bigint): void;
  /** The one listener of this process. */
  listen(listener: WakeUpListener): void;
  close(): Promise<void>;
}
