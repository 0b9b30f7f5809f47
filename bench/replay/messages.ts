import type { Hold } from "./overlapping-holds.ts";

/** What an agent needs to work through a project's features. */
export interface ClaimedWork {
  readonly serverUrl: string;
  readonly apiKey: string;
  readonly projectId: string;
  readonly lookAhead: number;
  /** How many agents are at work, itself included. */
  readonly agents: number;
  /** How long each feature is to be held, in milliseconds, by slug. */
  readonly holdMs: ReadonlyMap<string, number>;
}

/** What the parent process tells an agent. */
export type ToAgent =
  /** Get ready; without `work` it will take what it is handed, and ask nobody. */
  | { readonly kind: "prepare"; readonly agent: number; readonly work: ClaimedWork | undefined }
  | { readonly kind: "begin" }
  /** The answer to `next`; no slug: nothing is left. */
  | { readonly kind: "hand-out"; readonly slug: string | undefined; readonly holdMs: number };

/** What an agent tells the parent process. Latencies are of one PickFeature call, in milliseconds. */
export type FromAgent =
  | { readonly kind: "prepared" }
  | { readonly kind: "next" }
  | { readonly kind: "refused"; readonly latencyMs: number }
  | { readonly kind: "picked"; readonly latencyMs: number }
  | { readonly kind: "done"; readonly hold: Hold }
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly message: string };
