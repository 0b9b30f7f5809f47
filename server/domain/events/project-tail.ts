import type { ProjectId } from "../ids.ts";
import type { Event } from "./event.ts";
import { type EventReader, MAX_PAGE_BYTES } from "./event-log.ts";

/** Events read at a time. */
export const PAGE = 500;
/** What is kept of a project's latest events for all who watch it. */
const MAX_RECENT = 1_000;
const MAX_RECENT_CHARACTERS = 4_000_000;

/** Somebody who waits for events. */
export interface TailReader {
  /** There may be something new. */
  wake(): void;
}

/** The latest events of one project: read once in this process for all who watch it. */
export class ProjectTail<Reader extends TailReader> {
  readonly readers = new Set<Reader>();
  /** Without a hole, up to `head`. */
  private recent: { readonly event: Event; readonly size: number }[] = [];
  private characters = 0;
  /** The last event that was read. */
  head = 0n;
  private known = 0n;
  /** Also while it starts: then it is not known yet where to begin. */
  private reading = true;
  private readonly started: Promise<void>;

  /**
   * @param before runs before events are shown to anybody, and may end some readers; when it fails they are read again
   * @param onFailure told when reading failed; the next hint tries again
   */
  constructor(
    readonly projectId: ProjectId,
    private readonly log: EventReader,
    private readonly before: (events: readonly Event[], readers: Iterable<Reader>) => Promise<void>,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.started = this.start();
  }

  /** Resolves when it is known how far the log goes. */
  ready(): Promise<void> {
    return this.started;
  }

  /** Told that the log goes up to `latest`, at least. */
  hint(latest: bigint): void {
    if (latest > this.known) this.known = latest;
    if (this.known > this.head && !this.reading) void this.read();
  }

  /** How many events are known to be there that were not read yet. */
  get backlog(): number {
    return this.known > this.head ? Number(this.known - this.head) : 0;
  }

  /** The last event that there was when this was last looked, read or not. */
  get latest(): bigint {
    return this.known > this.head ? this.known : this.head;
  }

  /**
   * A page of the kept events after a sequence, none when there are no later ones; undefined when older ones are asked
   * for.
   */
  after(sequence: bigint): Event[] | undefined {
    if (sequence >= this.head) return [];
    const index = Number(sequence - this.head) + this.recent.length;
    if (index < 0) return undefined;
    const page: Event[] = [];
    let characters = 0;
    for (const { event, size } of this.recent.slice(index, index + PAGE)) {
      if (characters >= MAX_PAGE_BYTES) break;
      page.push(event);
      characters += size;
    }
    return page;
  }

  private async start(): Promise<void> {
    const extent = await this.log.extent(this.projectId);
    const latest = extent?.latest ?? 0n;
    // Those who come back after a cut mostly lack a few events only: one read serves them all.
    this.head = latest > BigInt(PAGE) ? latest - BigInt(PAGE) : 0n;
    this.keep(await this.log.after(this.projectId, this.head, PAGE));
    this.reading = false;
    this.hint(latest);
  }

  private async read(): Promise<void> {
    this.reading = true;
    try {
      while (this.known > this.head) {
        const events = await this.log.after(this.projectId, this.head, PAGE);
        if (events.length === 0) {
          // Nothing there that should be: they were forgotten by age before anybody read them.
          this.head = this.known;
          this.forget();
        } else {
          await this.before(events, this.readers);
          this.keep(events);
        }
        for (const reader of this.readers) reader.wake();
      }
    } catch (error) {
      this.onFailure(error);
    } finally {
      this.reading = false;
    }
  }

  private keep(events: readonly Event[]): void {
    for (const event of events) {
      if (event.sequence !== this.head + 1n) this.forget();
      const size = JSON.stringify(event.payload).length;
      this.recent.push({ event, size });
      this.characters += size;
      this.head = event.sequence;
    }
    if (this.recent.length <= MAX_RECENT && this.characters <= MAX_RECENT_CHARACTERS) return;
    // To half of it at once, so that this is rare.
    while (this.recent.length > MAX_RECENT / 2 || this.characters > MAX_RECENT_CHARACTERS / 2) {
      const gone = this.recent.splice(0, Math.max(1, this.recent.length - MAX_RECENT / 2));
      for (const { size } of gone) this.characters -= size;
    }
  }

  private forget(): void {
    this.recent = [];
    this.characters = 0;
  }
}
