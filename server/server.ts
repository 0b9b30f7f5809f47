import { setTimeout as pause } from "node:timers/promises";
import { callLog } from "./call-log.ts";
import { type Config, ConfigError } from "./config.ts";
import type { Clock } from "./domain/clock.ts";
import type { EventHub } from "./domain/events/event-hub.ts";
import type { Project } from "./domain/projects/project.ts";
import { audit } from "./domain/recovery/audit.ts";
import { reconcile } from "./domain/recovery/reconcile.ts";
import { type Listener, listen } from "./listen.ts";
import type { Logger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { ServerHealth } from "./rpc/health.ts";
import { httpHandler } from "./rpc/http-handler.ts";
import { authenticate, requireKey } from "./rpc/interceptors/authenticate.ts";
import { reportCall } from "./rpc/interceptors/report-call.ts";
import type { NodeRequest, NodeResponse } from "./rpc/node-http.ts";
import { routes, type ServiceDeps } from "./rpc/routes.ts";
import type { TlsPair } from "./tls-pair.ts";
import { VERSION } from "./version.ts";
import { claimStoreName, type OpenStores, openStores, wire } from "./wiring.ts";

/** A request body may be so large. */
const READ_MAX_BYTES = 8 * 1024 * 1024;
/** How often the reconciler runs; a random part keeps several servers from running it together. */
const RECONCILE_MS = 1_000;
/** How often everything is compared. */
const AUDIT_MS = 5 * 60_000;
/** How often what is held in all is read for the metrics. */
const SAMPLE_MS = 15_000;
/** How long calls under way may take to end when the server stops, and how long an idle connection is left open then. */
const GRACE_MS = 10_000;
const LINGER_MS = 500;
/** How often streams are looked after, and how often old events are forgotten. */
const STREAMS_MS = 1_000;
const FORGET_MS = 60_000;
/** Events of one project that are forgotten at a time. */
const MAX_FORGOTTEN_EVENTS = 10_000;

/** A server at work. */
export interface NexusServer {
  readonly url: string;
  /** Where Prometheus finds the metrics. */
  readonly metricsUrl: string;
  readonly deps: ServiceDeps;
  /** Resolves when a store was lost for good: the server has to end. */
  readonly lost: Promise<Error>;
  /** Runs the reconciler once, now. */
  reconcile(): Promise<void>;
  /** Compares the stores once, now. */
  audit(): Promise<void>;
  /** Looks after the streams of events; the time is milliseconds of a clock that never goes back. */
  tickStreams(nowMs: number): Promise<void>;
  /** Forgets events that are old enough. */
  forgetEvents(): Promise<void>;
  /** Reads what is held in all, for the metrics. */
  sampleMetrics(): Promise<void>;
  /**
   * Reads certificate and key anew.
   *
   * @returns what is served from now on; undefined without TLS
   * @throws TlsPairError; then the pair from before stays
   */
  reloadTls(): TlsPair | undefined;
  /**
   * Says that it is not ready, ends the streams, goes on answering for as long as is configured, then takes no more
   * calls, finishes those under way, and ends the stores. Repeating it waits for the same end.
   */
  stop(): Promise<void>;
}

/** Opens the configured stores and serves over them. */
export async function startServer(config: Config, logger: Logger): Promise<NexusServer> {
  return serveOver(await openStores(config.stores, logger), config, logger);
}

/**
 * Serves over open stores, which the server closes when it stops, or when it can't start.
 *
 * @param options what tests put in place: the time of day, which only stamps records, nothing by itself that is done
 *   now and then, or the reconciler at another pace, from when on a call counts as slow, and idle connections that end
 *   sooner when the server stops
 */
export async function serveOver(
  stores: OpenStores,
  config: Config,
  logger: Logger,
  options: {
    readonly clock?: Clock;
    readonly reconcileOnCallOnly?: boolean;
    readonly reconcileMs?: number;
    readonly lingerMs?: number;
    readonly slowMs?: number;
  } = {},
): Promise<NexusServer> {
  const metrics = createMetrics(claimStoreName(stores));
  const report = callLog(logger, metrics, options.slowMs);
  const state = { stopping: false };
  const health = new ServerHealth(async () => {
    const { database, claims } = await storesAnswer(stores);
    return database && claims;
  });
  let deps: ServiceDeps;
  let listener: Listener;
  let metricsListener: Listener | undefined;
  try {
    deps = wire(config, stores, logger, metrics, options.clock);
    const { hub } = deps;
    const answerMetrics = (response: NodeResponse) => writeMetrics(metrics, hub, response);
    if (config.metricsAddress !== undefined) {
      metricsListener = await listenForMetrics(config.metricsAddress, answerMetrics);
    }
    listener = await listen(
      config,
      httpHandler({
        routes: routes(deps, health),
        interceptors: [reportCall(report), authenticate(deps.verifier)],
        requestGate: requireKey(deps.verifier),
        jsonOptions: { ignoreUnknownFields: false, alwaysEmitImplicit: true },
        readMaxBytes: READ_MAX_BYTES,
        allowedOrigins: config.allowedOrigins,
        trustProxy: config.trustProxy,
        fallback: answerPlain(stores, state, metricsListener === undefined ? answerMetrics : undefined),
        report,
        onError: (error) => logger.warn({ err: error }, "an answer could not be written"),
      }),
    );
  } catch (error) {
    await metricsListener?.close({ lingerMs: 0, graceMs: 0 });
    await stores.close();
    throw error;
  }
  const metricsUrl = `${(metricsListener ?? listener).url}/metrics`;
  logger.info({ url: listener.url, metrics: metricsUrl, stores: stores.description }, "serving");

  const onFailure = (project: Project, error: unknown) => {
    metrics.reconcileFailures.inc();
    logger.warn({ err: error, project: project.id }, "reconciling failed");
  };
  const runReconciler = async () => {
    const endTimer = metrics.reconciles.startTimer();
    await reconcile(deps, onFailure);
    endTimer();
    metrics.reconciled.setToCurrentTime();
  };
  const sampleMetrics = async () => {
    try {
      const { sessions, claims } = deps.database.read;
      const [openSessions, heldPaths] = await Promise.all([sessions.countAllOpen(), claims.countHeldTouches()]);
      metrics.openSessions.set(openSessions);
      metrics.heldPaths.set(heldPaths);
    } catch (error) {
      // Of what is not known now nothing old is told; that the database is away others say.
      metrics.openSessions.set(Number.NaN);
      metrics.heldPaths.set(Number.NaN);
      throw error;
    }
  };
  const runAudit = () => audit(deps, onFailure);
  const tickStreams = async (nowMs: number) => {
    deps.hub.tick(nowMs);
    await Promise.all([health.tick(), deps.hub.poll()]);
  };
  const forgetEvents = () => {
    const before = new Date(deps.clock.now().getTime() - config.eventRetentionMs);
    return stores.database.forgetEvents(before, MAX_FORGOTTEN_EVENTS);
  };
  const failing = (what: string) => (error: unknown) => logger.warn({ err: error }, what);
  const failingToReconcile = (what: string) => (error: unknown) => {
    metrics.reconcileFailures.inc();
    failing(what)(error);
  };
  const repeated = options.reconcileOnCallOnly
    ? []
    : [
        repeat(options.reconcileMs ?? RECONCILE_MS, runReconciler, failingToReconcile("the reconciler could not run")),
        repeat(AUDIT_MS, runAudit, failingToReconcile("the audit could not run")),
        repeat(SAMPLE_MS, sampleMetrics, failing("what is held could not be counted")),
        // Each by itself: a store that does not answer delays nothing that does without it.
        repeat(STREAMS_MS, async () => deps.hub.tick(performance.now()), failing("streams could not be looked after")),
        repeat(STREAMS_MS, () => deps.hub.poll(), failing("new events could not be looked for")),
        repeat(STREAMS_MS, () => health.tick(), failing("the server's health could not be told")),
        repeat(FORGET_MS, forgetEvents, failing("old events could not be forgotten")),
      ];
  let stopped: Promise<void> | undefined;
  return {
    url: listener.url,
    metricsUrl,
    deps,
    lost: stores.lost,
    reconcile: runReconciler,
    audit: runAudit,
    tickStreams,
    forgetEvents,
    reloadTls: () => listener.reloadTls(),
    sampleMetrics,
    stop() {
      stopped ??= (async () => {
        state.stopping = true;
        logger.info("stopping");
        health.drain();
        deps.hub.drain();
        // Whoever sends calls here has to see that this server is not ready before it refuses connections.
        await pause(config.drainMs);
        await listener.close({ lingerMs: options.lingerMs ?? LINGER_MS, graceMs: GRACE_MS });
        await metricsListener?.close({ lingerMs: 0, graceMs: 0 });
        await Promise.all(repeated.map((each) => each.stop()));
        await stores.close();
        logger.info("stopped");
      })();
      return stopped;
    },
  };
}

/** What Prometheus reads. */
async function writeMetrics(metrics: Metrics, hub: EventHub, response: NodeResponse): Promise<void> {
  metrics.watchers.set(hub.size);
  metrics.eventBacklog.set(hub.backlog);
  write(response, 200, await metrics.registry.metrics(), metrics.registry.contentType);
}

async function listenForMetrics(
  address: NonNullable<Config["metricsAddress"]>,
  answer: (response: NodeResponse) => Promise<void>,
): Promise<Listener> {
  try {
    return await listen({ ...address, tls: undefined }, (request, response) =>
      pathOf(request) === "/metrics" ? answer(response) : writeNotFound(request, response),
    );
  } catch (error) {
    const description = `can't be listened on: ${error instanceof Error ? error.message : error}`;
    throw new ConfigError([{ variable: "NEXUS_METRICS_ADDR", description }]);
  }
}

function writeNotFound(request: NodeRequest, response: NodeResponse): void {
  const message = `nothing is at ${pathOf(request)}; methods are at /nexus.v1.<Service>/<Method>`;
  write(response, 404, JSON.stringify({ code: "unimplemented", message }));
}

function write(response: NodeResponse, status: number, body: string, type = "application/json"): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(body);
}

function pathOf(request: NodeRequest): string {
  return (request.url ?? "").split("?", 1).join();
}

/** @param answerMetrics undefined where they have an address of their own */
function answerPlain(
  stores: OpenStores,
  state: { stopping: boolean },
  answerMetrics: ((response: NodeResponse) => Promise<void>) | undefined,
) {
  return async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    const path = pathOf(request);
    if (path === "/health") return write(response, 200, JSON.stringify({ status: "ok", version: VERSION }));
    if (path === "/metrics" && answerMetrics !== undefined) return answerMetrics(response);
    if (path !== "/ready") return writeNotFound(request, response);
    const { database, claims } = await storesAnswer(stores);
    const ready = !state.stopping && database && claims;
    const word = (answers: boolean) => (answers ? "ok" : "unavailable");
    const told = { ready, stopping: state.stopping, database: word(database), claims: word(claims) };
    return write(response, ready ? 200 : 503, JSON.stringify(told));
  };
}

/** Which of the stores answer. */
async function storesAnswer(stores: OpenStores): Promise<{ database: boolean; claims: boolean }> {
  const check = (ping: Promise<void>) =>
    ping.then(
      () => true,
      () => false,
    );
  const [database, claims] = await Promise.all([check(stores.database.ping()), check(stores.claimStore.ping())]);
  return { database, claims };
}

/** Runs `work` again and again, never twice at a time, until stopped; `stop` waits for a run under way. */
function repeat(everyMs: number, work: () => Promise<void>, onError: (error: unknown) => void) {
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  let stopped = false;
  const schedule = () => {
    timer = setTimeout(
      () => {
        running = work()
          .catch(onError)
          .finally(() => {
            if (!stopped) schedule();
          });
      },
      everyMs * (0.75 + Math.random() / 2),
    );
  };
  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
