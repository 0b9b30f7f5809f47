import { currentCall } from "./current-call.ts";
import { StoreUnavailableError } from "./domain/errors.ts";
import { changeOf, type Metrics } from "./metrics.ts";
import type { WatchDatabase } from "./storage/measured-database.ts";
import type { StoreName, WatchOperation } from "./storage/measured-store.ts";

/** Counts and times the operations of a store, and tells the call that they are a part of. */
export function watchStore(store: StoreName, metrics: Metrics): WatchOperation {
  return (operation, startedMs, answer) => {
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
    waiting: () => currentCall()?.wait("queue") ?? (() => {}),
    committed(events) {
      for (const { payload } of events) {
        metrics.events.inc(changeOf(payload));
        const interruption = payload.kind === "feature" ? payload.interruption : undefined;
        if (interruption !== undefined) metrics.interruptions.inc({ cause: interruption.cause });
      }
    },
  };
}
