import { Code, ConnectError } from "@connectrpc/connect";
import { currentCall } from "./current-call.ts";
import type { Stores } from "./domain/database.ts";
import { StoreUnavailableError } from "./domain/errors.ts";
import type { ProjectStore } from "./domain/projects/project-store.ts";
import { changeOf, type Metrics } from "./metrics.ts";
import type { WatchDatabase } from "./storage/measured-database.ts";
import type { StoreName, WatchOperation } from "./storage/measured-store.ts";

/**
 * The same stores, where a call that nobody waits for any more ends when it has heard who belongs to its project: nearly
 * every call asks for that first. An overloaded server so gets rid of calls whose callers have given up.
 */
export function endingPointless(stores: Stores): Stores {
  const { projects } = stores;
  const get: ProjectStore["get"] = async (...asked) => {
    const membership = await projects.get(...asked);
    if (currentCall()?.isPointless) throw new ConnectError("the caller has gone; nothing was done", Code.Canceled);
    return membership;
  };
  return { ...stores, projects: Object.assign(Object.create(projects) as ProjectStore, { get }) };
}

/** Counts and times the operations of a store, and tells the call that they are a part of. */
export function watchStore(store: StoreName, metrics: Metrics): WatchOperation {
  return (operation, startedMs, answer) => {
    if (store !== "postgres") currentCall()?.act();
    // Claims in this process are nothing to wait for.
    const endWait = store === "embedded" ? undefined : currentCall()?.wait(store);
    const end = (error?: unknown) => {
      endWait?.();
      metrics.storeCalls.observe({ store, operation }, (performance.now() - startedMs) / 1_000);
      if (error instanceof StoreUnavailableError) metrics.storeFailures.inc({ store });
    };
    answer.then(() => end(), end);
  };
}

/** The same for the database, and counts what it commits. */
export function watchDatabase(metrics: Metrics): WatchDatabase {
  return {
    operation: watchStore("postgres", metrics),
    waiting() {
      const call = currentCall();
      call?.act();
      return call?.wait("queue") ?? (() => {});
    },
    committed(events) {
      for (const { payload } of events) {
        metrics.events.inc(changeOf(payload));
        const interruption = payload.kind === "feature" ? payload.interruption : undefined;
        if (interruption !== undefined) metrics.interruptions.inc({ cause: interruption.cause });
      }
    },
  };
}
