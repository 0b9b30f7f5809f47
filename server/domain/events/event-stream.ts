import type { Caller } from "../caller.ts";
import type { NexusError } from "../errors.ts";
import type { ProjectId } from "../ids.ts";
import { type Event, type EventFilter, isMatch } from "./event.ts";
import type { StreamPosition } from "./event-errors.ts";
import type { ProjectTail, TailReader } from "./project-tail.ts";

/** A project that has sent nothing for so long gets a bookmark. */
export const BOOKMARK_MS = 15_000;

/** One message of a stream. */
export type StreamMessage =
  | { readonly kind: "event"; readonly event: Event }
  /** Everything up to that sequence that the filter lets through was sent. */
  | { readonly kind: "bookmark"; readonly projectId: ProjectId; readonly sequence: bigint };

/** One project of a stream: where it is. */
export interface StreamPart {
  readonly tail: ProjectTail<EventStream>;
  /** Everything up to here was sent. */
  cursor: bigint;
  /** The last event that there was when the stream began. */
  begunAt: bigint;
  /** When this project's last message was sent; undefined before the first. */
  saidMs: number | undefined;
}

/** What a stream needs of the hub that it belongs to. */
export interface StreamSource {
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: number;
  /** The events after that sequence, which are too old for the tail. */
  catchUp(projectId: ProjectId, after: bigint): Promise<readonly Event[]>;
  /** An event that happened since the stream began is handed to its reader. */
  delivered(event: Event): void;
}

/**
 * What one watcher is sent. It holds no events, only how far it has come: the next message is looked up when the reader
 * asks for it, so a reader who does not read costs what the socket buffers.
 */
export class EventStream implements TailReader {
  private woken = Promise.withResolvers<void>();
  private closed = false;
  private ending: ((position: StreamPosition) => NexusError) | undefined;
  /** Since when a message waits to be taken. */
  private offered: number | undefined;

  constructor(
    private readonly source: StreamSource,
    readonly caller: Caller,
    private readonly filter: EventFilter,
    readonly parts: readonly StreamPart[],
    /** Ends the connection without a word. */
    readonly cut: () => void,
  ) {}

  /** How far it has come. */
  position(): StreamPosition {
    return new Map(this.parts.map(({ tail, cursor }) => [tail.projectId, cursor]));
  }

  wake(): void {
    this.woken.resolve();
  }

  /** Ends the stream with that error when the reader asks for the next message. */
  end(error: (position: StreamPosition) => NexusError): void {
    this.ending ??= error;
    this.wake();
  }

  /** Ends the stream without an error: nobody reads it any more. */
  close(): void {
    this.closed = true;
    this.wake();
  }

  /** How long the reader has not taken a message that is there; 0 when there is none. */
  stalledMs(nowMs: number): number {
    return this.offered === undefined ? 0 : nowMs - this.offered;
  }

  /** Whether a project has been silent for so long that a bookmark is due. */
  isSilent(nowMs: number): boolean {
    return this.parts.some((part) => isDue(part, nowMs));
  }

  /**
   * The messages, until `close`.
   *
   * @throws what `end` was given; EventCursorExpiredError when the log was shortened faster than this was read
   */
  async *messages(): AsyncGenerator<StreamMessage, void> {
    while (!this.closed) {
      this.woken = Promise.withResolvers();
      let found = false;
      for (const part of this.parts) {
        // First of all where it begins, so that also a stream that is cut before its first event can be resumed.
        if (part.saidMs === undefined) {
          this.offering(part);
          yield bookmarkOf(part);
          this.taken();
        }
        for (const event of await this.next(part)) {
          found = true;
          part.cursor = event.sequence;
          if (!isMatch(this.filter, event)) continue;
          this.offering(part);
          if (event.sequence > part.begunAt) this.source.delivered(event);
          yield { kind: "event", event };
          this.taken();
        }
        if (isDue(part, this.source.nowMs)) {
          this.offering(part);
          yield bookmarkOf(part);
          this.taken();
        }
      }
      this.throwIfEnded();
      if (!found) await this.woken.promise;
    }
  }

  private async next({ tail, cursor }: StreamPart): Promise<readonly Event[]> {
    this.throwIfEnded();
    return tail.after(cursor) ?? this.source.catchUp(tail.projectId, cursor);
  }

  private offering(part: StreamPart): void {
    part.saidMs = this.source.nowMs;
    this.offered = this.source.nowMs;
  }

  /** The reader has asked for the message after the one that was offered. */
  private taken(): void {
    this.offered = undefined;
    this.throwIfEnded();
  }

  private throwIfEnded(): void {
    if (this.ending === undefined) return;
    throw this.ending(this.position());
  }
}

function isDue({ saidMs }: StreamPart, nowMs: number): boolean {
  return saidMs !== undefined && nowMs - saidMs >= BOOKMARK_MS;
}

function bookmarkOf({ tail, cursor }: StreamPart): StreamMessage {
  return { kind: "bookmark", projectId: tail.projectId, sequence: cursor };
}
