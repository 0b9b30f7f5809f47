import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { KeyCheck } from "./domain/auth/key-verifier.ts";
import type { EventKind } from "./domain/events/event.ts";
import type { InterruptionCause } from "./domain/features/feature.ts";
import type { DeviationKind } from "./domain/recovery/deviation.ts";
import { REASONS } from "./rpc/errors.ts";
import type { StoreName } from "./storage/measured-store.ts";

/** What Prometheus reads at /metrics. */
export type Metrics = ReturnType<typeof createMetrics>;

/** What an event says beside its kind; those of the other kinds say nothing more that is worth a series. */
const CHANGES: Readonly<Partial<Record<EventKind, readonly string[]>>> = {
  feature: ["created", "updated", "status", "deleted"],
  claim: ["acquired", "extended", "released", "expired", "lost", "forced"],
  session: ["open", "closed", "expired"],
};
const CAUSES = {
  "session-expired": true,
  "session-crashed": true,
  "forced-release": true,
  "member-removed": true,
  "claim-lost": true,
} satisfies Record<InterruptionCause, true>;
const DEVIATIONS = {
  "overdue-claim": true,
  "unfreed-claim": true,
  "claim-without-record": true,
  "record-without-claim": true,
  "session-without-lease": true,
} satisfies Record<DeviationKind, true>;
const KEY_CHECKS = { remembered: true, refused: true, malformed: true, asked: true } satisfies Record<KeyCheck, true>;

/**
 * Makes the metrics of one server; each has a registry of its own, so several servers fit into one process. Every label
 * takes its values from a list in the sources, so no caller can add a series. docs/operations/metrics.md says what each
 * is for and how to aggregate it.
 *
 * @param claimStore what keeps the claims
 */
export function createMetrics(claimStore: StoreName) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const metrics = {
    registry,
    calls: new Histogram({
      name: "nexus_rpc_duration_seconds",
      help: "Calls by method and code, with their latency; a stream counts when it ends",
      labelNames: ["method", "code"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    refusals: new Counter({
      name: "nexus_refusals_total",
      help: "Calls that were refused, by reason",
      labelNames: ["reason"],
      registers,
    }),
    events: new Counter({
      name: "nexus_events_total",
      help: "What this server has committed, by kind of event and change: claim acquired is a pick, session expired a lapsed lease",
      labelNames: ["kind", "change"],
      registers,
    }),
    interruptions: new Counter({
      name: "nexus_interruptions_total",
      help: "Work on features that broke off, by cause",
      labelNames: ["cause"],
      registers,
    }),
    openSessions: new Gauge({
      name: "nexus_open_sessions",
      help: "Open sessions of all projects, read from the database: every server tells the same, so take the max, not the sum",
      registers,
    }),
    heldPaths: new Gauge({
      name: "nexus_held_paths",
      help: "Paths and patterns held by features, read from the database: every server tells the same, so take the max, not the sum",
      registers,
    }),
    storeCalls: new Histogram({
      name: "nexus_store_duration_seconds",
      help: "Calls of the stores by store and operation, with their latency; a transaction also has its operations in it",
      labelNames: ["store", "operation"],
      buckets: [0.0005, 0.002, 0.01, 0.05, 0.25, 1, 5],
      registers,
    }),
    storeFailures: new Counter({
      name: "nexus_store_failures_total",
      help: "Calls of the stores that were not answered, or answered that the store can't serve",
      labelNames: ["store"],
      registers,
    }),
    keyChecks: new Counter({
      name: "nexus_key_checks_total",
      help: "API keys looked at: remembered or refused from memory, malformed, or the database was asked",
      labelNames: ["result"],
      registers,
    }),
    hashWaits: new Histogram({
      name: "nexus_hash_wait_seconds",
      help: "How long argon2 hashes waited for their turn; with none free, RATE_LIMITED refuses",
      buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    watchers: new Gauge({
      name: "nexus_watchers",
      help: "Streams of events open at this server",
      registers,
    }),
    eventDelivery: new Histogram({
      name: "nexus_event_delivery_seconds",
      help: "From the time an event is stamped with, just before its commit, to its handing over to one watcher; what happened before the stream began is left out",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    eventBacklog: new Gauge({
      name: "nexus_event_backlog",
      help: "Events that are known to be committed and that this server has not read yet, in the watched project that has most of them",
      registers,
    }),
    reconciles: new Histogram({
      name: "nexus_reconcile_duration_seconds",
      help: "Ticks of the reconciler, over all projects at work",
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 60],
      registers,
    }),
    reconciled: new Gauge({
      name: "nexus_reconcile_last_timestamp_seconds",
      help: "When the reconciler of this server last got through all projects, in seconds since 1970",
      registers,
    }),
    reconcileFailures: new Counter({
      name: "nexus_reconcile_failures_total",
      help: "Projects, or whole ticks, that the reconciler or the audit could not get through",
      registers,
    }),
    deviations: new Histogram({
      name: "nexus_deviation_age_seconds",
      help: "Where the stores did not say the same, found and mended by the reconciler, by kind and with their age",
      labelNames: ["kind"],
      buckets: [1, 2, 5, 10, 15, 30, 60, 300],
      registers,
    }),
    rebuilds: new Counter({
      name: "nexus_rebuilds_total",
      help: "Projects whose claims this server has rebuilt from PostgreSQL",
      registers,
    }),
    alarms: new Counter({
      name: "nexus_alarms_total",
      help: "Times that something happened which the claims protocol says cannot",
      registers,
    }),
  };
  // From zero on: what appears with its first count is no increase to Prometheus.
  for (const reason of REASONS) metrics.refusals.inc({ reason }, 0);
  for (const [kind, changes] of Object.entries(CHANGES)) {
    for (const change of changes) metrics.events.inc({ kind, change }, 0);
  }
  for (const cause of Object.keys(CAUSES)) metrics.interruptions.inc({ cause }, 0);
  for (const result of Object.keys(KEY_CHECKS)) metrics.keyChecks.inc({ result }, 0);
  for (const kind of Object.keys(DEVIATIONS)) metrics.deviations.zero({ kind });
  for (const store of ["postgres", claimStore]) metrics.storeFailures.inc({ store }, 0);
  return metrics;
}

/** Where an event is counted. */
export function changeOf(payload: { readonly kind: EventKind; readonly change?: string; readonly state?: string }) {
  const change = payload.change ?? payload.state ?? "";
  return { kind: payload.kind, change: CHANGES[payload.kind]?.includes(change) ? change : "" };
}
