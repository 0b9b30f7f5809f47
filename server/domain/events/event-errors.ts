import { NexusError } from "../errors.ts";
import type { ProjectId } from "../ids.ts";

/** How far a stream had come, by project: everything up to there was sent. */
export type StreamPosition = ReadonlyMap<ProjectId, bigint>;

/** The events after that cursor are no longer kept. */
export class EventCursorExpiredError extends NexusError {
  readonly reason = "EVENT_CURSOR_EXPIRED";

  /** @param oldest the oldest sequence that one can go on after */
  constructor(
    readonly projectId: ProjectId,
    readonly oldest: bigint,
  ) {
    super(
      `events of project ${projectId} up to ${oldest} are no longer kept; list what is there now, and go on after ${oldest} or later`,
    );
  }
}

/** The server shuts down: resume the stream, elsewhere or in a moment. */
export class ServerDrainingError extends NexusError {
  readonly reason = "SERVER_DRAINING";

  constructor(readonly position: StreamPosition) {
    super("the server shuts down; resume the stream after the last sequence that arrived");
  }
}

/** The reader took nothing for too long although there was something. */
export class WatcherTooSlowError extends NexusError {
  readonly reason = "WATCHER_TOO_SLOW";

  constructor(readonly position: StreamPosition) {
    super("the stream was not read for too long; resume it after the last sequence that arrived");
  }
}
