import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";

/** What Prometheus reads at /metrics. */
export type Metrics = ReturnType<typeof createMetrics>;

/** Makes the metrics of one server; each has a registry of its own, so several servers fit into one process. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    calls: new Histogram({
      name: "nexus_rpc_duration_seconds",
      help: "Calls by method and code, with their latency",
      labelNames: ["method", "code"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    }),
    refusals: new Counter({
      name: "nexus_refusals_total",
      help: "Calls that were refused, by reason",
      labelNames: ["reason"],
      registers: [registry],
    }),
    deviations: new Histogram({
      name: "nexus_deviation_age_seconds",
      help: "Where the stores did not say the same, found and mended by the reconciler, by kind and with their age",
      labelNames: ["kind"],
      buckets: [1, 2, 5, 10, 15, 30, 60, 300],
      registers: [registry],
    }),
    alarms: new Counter({
      name: "nexus_alarms_total",
      help: "Times that something happened which the claims protocol says cannot",
      registers: [registry],
    }),
  };
}
