import type { Caller } from "../caller.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import { CredentialsInvalidError, LimitExceededError, ResourceNotFoundError } from "../errors.ts";
import type { ProjectId } from "../ids.ts";
import { LIST_HINT } from "../projects/require-member.ts";
import type { Event, EventFilter } from "./event.ts";
import {
  EventCursorExpiredError,
  ServerDrainingError,
  type StreamPosition,
  WatcherTooSlowError,
} from "./event-errors.ts";
import type { WakeUps } from "./event-log.ts";
import { EventStream, type StreamSource } from "./event-stream.ts";
import { PAGE, ProjectTail } from "./project-tail.ts";

/** A reader that takes nothing for so long is told to come again; for twice as long, and it is cut off. */
export const STALL_MS = 30_000;
/** How often it is looked whether the key still is good and the engineer still a member. Events of it come sooner. */
const ACCESS_MS = 30_000;
/** Streams of one engineer, and of all, in one server process. */
const MAX_STREAMS_PER_ENGINEER = 200;
const MAX_STREAMS = 10_000;
/** Pages of older events that are read at a time, so that those who come back together leave the database to others. */
const MAX_CATCHING_UP = 4;

/** What the hub works with. */
export interface EventHubDeps {
  readonly database: Pick<Database, "read">;
  readonly clock: Clock;
  readonly wakeUps: Pick<WakeUps, "listen">;
  /** Told of what failed and will be tried again. */
  readonly onFailure: (error: unknown) => void;
  /** Told how old an event was when a watcher got it; not of what had happened before that one began to watch. */
  readonly onDelivery: (ageMs: number) => void;
}

/** Where a stream begins, in each of its projects. */
export interface StreamOpening {
  readonly caller: Caller;
  readonly filter: EventFilter;
  readonly cursors: ReadonlyMap<ProjectId, bigint>;
  /** Ends the connection without a word. */
  readonly cut: () => void;
}

/**
 * All streams of this process. What is new is read once for each project, whoever watches it: woken by hints, and by
 * `poll` where a hint was lost.
 */
export class EventHub implements StreamSource {
  nowMs = 0;
  private readonly streams = new Set<EventStream>();
  private readonly tails = new Map<ProjectId, ProjectTail<EventStream>>();
  private readonly catchingUp = new Set<Promise<unknown>>();
  private accessMs = 0;
  private draining = false;

  constructor(private readonly deps: EventHubDeps) {
    deps.wakeUps.listen((projectId, latest) => this.tails.get(projectId)?.hint(latest));
  }

  /** How many streams there are. */
  get size(): number {
    return this.streams.size;
  }

  /** How far each stream has come. */
  positions(): StreamPosition[] {
    return [...this.streams].map((stream) => stream.position());
  }

  /**
   * Opens a stream, which counts until `close`.
   *
   * @throws ServerDrainingError, LimitExceededError
   */
  async open({ caller, filter, cursors, cut }: StreamOpening): Promise<EventStream> {
    if (this.draining) throw new ServerDrainingError(cursors);
    const own = [...this.streams].filter((stream) => stream.caller.engineerId === caller.engineerId).length;
    if (own >= MAX_STREAMS_PER_ENGINEER || this.streams.size >= MAX_STREAMS) {
      const limit = own >= MAX_STREAMS_PER_ENGINEER ? MAX_STREAMS_PER_ENGINEER : MAX_STREAMS;
      throw new LimitExceededError("streams of events at a time", limit, "watch several projects on one stream");
    }
    const parts = [...cursors].map(([projectId, cursor]) => ({
      tail: this.tailOf(projectId),
      cursor,
      begunAt: cursor,
      saidMs: undefined,
    }));
    const stream = new EventStream(this, caller, filter, parts, cut);
    this.streams.add(stream);
    for (const { tail } of parts) tail.readers.add(stream);
    try {
      await Promise.all(parts.map(({ tail }) => tail.ready()));
      for (const part of stream.parts) part.begunAt = part.tail.latest;
    } catch (error) {
      this.close(stream);
      throw error;
    }
    return stream;
  }

  /** Events that there are and that this process has not read yet, in the project that lacks most. */
  get backlog(): number {
    return Math.max(0, ...[...this.tails.values()].map((tail) => tail.backlog));
  }

  delivered({ time }: Event): void {
    this.deps.onDelivery(Math.max(0, this.deps.clock.now().getTime() - time.getTime()));
  }

  /** The stream is over; safe to repeat. */
  close(stream: EventStream): void {
    this.streams.delete(stream);
    for (const { tail } of stream.parts) {
      tail.readers.delete(stream);
      if (tail.readers.size === 0 && this.tails.get(tail.projectId) === tail) this.tails.delete(tail.projectId);
    }
    stream.close();
  }

  /** Ends every stream, and refuses others. */
  drain(): void {
    this.draining = true;
    for (const stream of this.streams) stream.end((position) => new ServerDrainingError(position));
  }

  /**
   * To be called about every second, whatever the stores do: sends bookmarks, and ends the streams of those who don't
   * read.
   *
   * @param nowMs of a clock that never goes back
   */
  tick(nowMs: number): void {
    this.nowMs = nowMs;
    for (const stream of this.streams) {
      const stalledMs = stream.stalledMs(nowMs);
      if (stalledMs >= STALL_MS) stream.end((position) => new WatcherTooSlowError(position));
      if (stalledMs >= 2 * STALL_MS) stream.cut();
      if (stream.isSilent(nowMs)) stream.wake();
    }
  }

  /**
   * To be called about every second: looks for events that no hint told of, and ends the streams of those who may not
   * read any more.
   *
   * @throws StoreUnavailableError
   */
  async poll(): Promise<void> {
    await this.readLatest();
    const nowMs = this.nowMs;
    if (nowMs - this.accessMs < ACCESS_MS) return;
    await this.checkAccess(this.streams);
    this.accessMs = nowMs;
  }

  async catchUp(projectId: ProjectId, after: bigint): Promise<readonly Event[]> {
    while (this.catchingUp.size >= MAX_CATCHING_UP) await Promise.race(this.catchingUp);
    const reading = this.deps.database.read.events.after(projectId, after, PAGE);
    const done = reading.catch(() => {}).finally(() => this.catchingUp.delete(done));
    this.catchingUp.add(done);
    const events = await reading;
    if (events[0]?.sequence === after + 1n) return events;
    const extent = await this.deps.database.read.events.extent(projectId);
    if (extent === undefined) throw new ResourceNotFoundError("project", projectId);
    throw new EventCursorExpiredError(projectId, extent.oldest - 1n);
  }

  private tailOf(projectId: ProjectId): ProjectTail<EventStream> {
    let tail = this.tails.get(projectId);
    if (tail === undefined) {
      tail = new ProjectTail<EventStream>(
        projectId,
        this.deps.database.read.events,
        async (events, readers) => {
          // Before anybody is shown what comes after it.
          if (events.some(mayEndAccess)) await this.checkAccess(readers);
        },
        this.deps.onFailure,
      );
      this.tails.set(projectId, tail);
    }
    return tail;
  }

  private async readLatest(): Promise<void> {
    if (this.tails.size === 0) return;
    const latest = await this.deps.database.read.events.latest([...this.tails.keys()]);
    for (const [projectId, tail] of this.tails) {
      const known = latest.get(projectId);
      if (known !== undefined) tail.hint(known);
      // Deleted since it was asked for, or before.
      else await this.checkAccess(tail.readers);
    }
  }

  /** Ends the streams whose key is revoked or has expired, or whose engineer is no member any more. */
  private async checkAccess(readers: Iterable<EventStream>): Promise<void> {
    const { read } = this.deps.database;
    const streams = [...readers];
    if (streams.length === 0) return;
    const callers = streams.map(({ caller }) => caller);
    const [live, members] = await Promise.all([
      read.apiKeys.whichLive(distinct(callers.map(({ keyId }) => keyId)), this.deps.clock.now()),
      read.projects.listMemberships(distinct(callers.map(({ engineerId }) => engineerId))),
    ]);
    for (const stream of streams) {
      const { keyId, engineerId } = stream.caller;
      const left = stream.parts.find(({ tail }) => members.get(engineerId)?.has(tail.projectId) !== true);
      if (!live.has(keyId)) stream.end(() => new CredentialsInvalidError());
      else if (left !== undefined) {
        stream.end(() => new ResourceNotFoundError("project", left.tail.projectId, LIST_HINT));
      }
    }
  }
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function mayEndAccess({ payload }: Event): boolean {
  return (
    (payload.kind === "member" && payload.change === "removed") ||
    (payload.kind === "key" && payload.change === "revoked")
  );
}
