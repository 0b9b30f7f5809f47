/** What the process with the watchers is told at its start. */
export interface WatchersOrder {
  readonly url: string;
  readonly projectId: string;
  /** The key of each watcher. */
  readonly keys: readonly string[];
}

/** What it tells: once when all watch; when asked, how much has come, and what. */
export type WatchersReport =
  | { readonly kind: "watching" }
  | { readonly kind: "count"; readonly events: number }
  | {
      readonly kind: "received";
      /** By watcher: sequence and time of receipt by the monotonic clock, one after the other. */
      readonly received: readonly (readonly number[])[];
      readonly failures: readonly string[];
    };
