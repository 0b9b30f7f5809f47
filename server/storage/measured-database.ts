import type { Database, RequestKey, Stores, Transaction } from "../domain/database.ts";
import type { NewEvent } from "../domain/events/event.ts";
import type { EventLog } from "../domain/events/event-log.ts";
import { measuredStore, type WatchOperation } from "./measured-store.ts";

/** Told of what a database does. None of these may throw. */
export interface WatchDatabase {
  /** `features.get`; `transaction` and `snapshot` from their first statement to their end. */
  readonly operation: WatchOperation;
  /** A transaction waits for a connection, or for a repetition of its request; what it answers ends that. */
  waiting(): () => void;
  /** These events were committed. */
  committed(events: readonly NewEvent[]): void;
}

/** The same database, watched. */
export class MeasuredDatabase implements Database {
  readonly read: Stores;

  constructor(
    private readonly database: Database,
    private readonly watch: WatchDatabase,
  ) {
    this.read = this.measured(database.read);
  }

  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.logged((logged) => this.database.transact(logged), work);
  }

  mutate<T>(key: RequestKey | undefined, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.logged((logged) => this.database.mutate(key, logged), work);
  }

  snapshot<T>(read: (stores: Stores) => Promise<T>): Promise<T> {
    return this.begun("snapshot", (begin) =>
      this.database.snapshot((stores) => {
        begin();
        return read(this.measured(stores));
      }),
    );
  }

  recorded<T>(key: RequestKey | undefined): Promise<T | undefined> {
    return key === undefined
      ? Promise.resolve(undefined)
      : this.timed("requests.recorded", () => this.database.recorded<T>(key));
  }

  /** What runs in it is watched by itself; that it waits for that says nothing of the database. */
  exclusively(projectId: string, work: () => Promise<void>): Promise<boolean> {
    return this.database.exclusively(projectId, work);
  }

  forgetRequests(before: Date, limit: number): Promise<void> {
    return this.timed("requests.forget", () => this.database.forgetRequests(before, limit));
  }

  forgetEvents(before: Date, limit: number): Promise<void> {
    return this.timed("events.forget", () => this.database.forgetEvents(before, limit));
  }

  ping(): Promise<void> {
    return this.timed("ping", () => this.database.ping());
  }

  close(): Promise<void> {
    return this.database.close();
  }

  /** A transaction whose events are told when it has committed. */
  private async logged<T>(
    start: (work: (tx: Transaction) => Promise<T>) => Promise<T>,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    let events: NewEvent[] = [];
    const answer = await this.begun("transaction", (begin) =>
      start((tx) => {
        begin();
        // Of an attempt that a deadlock undid nothing happened.
        events = [];
        return work({ ...this.measured(tx), events: this.overheard(tx.events, events) });
      }),
    );
    if (events.length > 0) this.watch.committed(events);
    return answer;
  }

  private overheard(log: EventLog, events: NewEvent[]): EventLog {
    const append: EventLog["append"] = (...added) => {
      events.push(...added);
      log.append(...added);
    };
    return Object.assign(Object.create(measuredStore(log, this.watch.operation, "events.")) as EventLog, { append });
  }

  /** Runs what says itself when it has got a connection and begins; what never gets that far counts from here on. */
  private async begun<T>(operation: string, run: (begin: () => void) => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const endWait = this.watch.waiting();
    const answer = Promise.withResolvers<T>();
    let hasBegun = false;
    const begin = (sinceMs: number) => {
      if (hasBegun) return;
      hasBegun = true;
      endWait();
      this.watch.operation(operation, sinceMs, answer.promise);
    };
    run(() => begin(performance.now())).then(answer.resolve, answer.reject);
    try {
      return await answer.promise;
    } finally {
      begin(startedMs);
    }
  }

  private timed<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const answer = run();
    this.watch.operation(operation, startedMs, answer);
    return answer;
  }

  private measured(stores: Stores): Stores {
    const { operation } = this.watch;
    const measure = <Name extends keyof Stores>(name: Name): Stores[Name] =>
      measuredStore(stores[name], operation, `${name}.`);
    return {
      engineers: measure("engineers"),
      apiKeys: measure("apiKeys"),
      projects: measure("projects"),
      features: measure("features"),
      choosing: measure("choosing"),
      roadmap: measure("roadmap"),
      sessions: measure("sessions"),
      claims: measure("claims"),
      checkpoints: measure("checkpoints"),
      learnings: measure("learnings"),
      decisions: measure("decisions"),
      knowledge: measure("knowledge"),
      events: measure("events"),
    };
  }
}
