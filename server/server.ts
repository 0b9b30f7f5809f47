import type { Config } from "./config.ts";
import type { Clock } from "./domain/clock.ts";
import { reconcile } from "./domain/recovery/reconcile.ts";
import { type Listener, listen } from "./listen.ts";
import type { Logger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { httpHandler } from "./rpc/http-handler.ts";
import { authenticate, requireKey } from "./rpc/interceptors/authenticate.ts";
import { type CallReport, reportCall } from "./rpc/interceptors/report-call.ts";
import type { NodeRequest, NodeResponse } from "./rpc/node-http.ts";
import { routes, type ServiceDeps } from "./rpc/routes.ts";
import { type OpenStores, openStores, wire } from "./wiring.ts";

/** A request body may be so large. */
const READ_MAX_BYTES = 8 * 1024 * 1024;
/** How often the reconciler runs; a random part keeps several servers from running it together. */
const RECONCILE_MS = 1_000;
/** How long calls under way may take to end when the server stops. */
const GRACE_MS = 10_000;

/** A server at work. */
export interface NexusServer {
  readonly url: string;
  readonly deps: ServiceDeps;
  /** Resolves when a store was lost for good: the server has to end. */
  readonly lost: Promise<Error>;
  /** Runs the reconciler once, now. */
  reconcile(): Promise<void>;
  /** Takes no more calls, finishes those under way, ends the stores. Repeating it waits for the same end. */
  stop(): Promise<void>;
}

/** Opens the configured stores and serves over them. */
export async function startServer(config: Config, logger: Logger): Promise<NexusServer> {
  return serveOver(await openStores(config.stores, logger), config, logger);
}

/**
 * Serves over open stores, which the server closes when it stops, or when it can't start.
 *
 * @param options what tests put in place: the time of day, which only stamps records, and no reconciler but on call
 */
export async function serveOver(
  stores: OpenStores,
  config: Config,
  logger: Logger,
  options: { readonly clock?: Clock; readonly reconcileOnCallOnly?: boolean } = {},
): Promise<NexusServer> {
  const metrics = createMetrics();
  const state = { stopping: false };
  let deps: ServiceDeps;
  let listener: Listener;
  try {
    deps = wire(config, stores, logger, metrics, options.clock);
    listener = await listen(
      config,
      httpHandler({
        routes: routes(deps),
        interceptors: [reportCall((call) => report(call, logger, metrics)), authenticate(deps.verifier)],
        requestGate: requireKey(deps.verifier),
        jsonOptions: { ignoreUnknownFields: false, alwaysEmitImplicit: true },
        readMaxBytes: READ_MAX_BYTES,
        allowedOrigins: config.allowedOrigins,
        trustProxy: config.trustProxy,
        fallback: answerPlain(stores, metrics, state),
        onError: (error) => logger.warn({ err: error }, "an answer could not be written"),
      }),
    );
  } catch (error) {
    await stores.close();
    throw error;
  }
  logger.info({ url: listener.url, stores: stores.description }, "serving");

  const runReconciler = () =>
    reconcile(deps, (project, error) => logger.warn({ err: error, project: project.id }, "reconciling failed"));
  const reconciler = options.reconcileOnCallOnly
    ? undefined
    : repeat(RECONCILE_MS, runReconciler, (error) => logger.warn({ err: error }, "the reconciler could not run"));
  let stopped: Promise<void> | undefined;
  return {
    url: listener.url,
    deps,
    lost: stores.lost,
    reconcile: runReconciler,
    stop() {
      stopped ??= (async () => {
        state.stopping = true;
        logger.info("stopping");
        await listener.close(GRACE_MS);
        await reconciler?.stop();
        await stores.close();
        logger.info("stopped");
      })();
      return stopped;
    },
  };
}

/** One line a call. */
function report(call: CallReport, logger: Logger, metrics: ReturnType<typeof createMetrics>): void {
  const { callId, method, code, reason, durationMs, engineerId, peer, names, cause } = call;
  metrics.calls.observe({ method, code }, durationMs / 1000);
  if (reason !== undefined) metrics.refusals.inc({ reason });
  const fields = {
    call: callId,
    method,
    code,
    reason,
    ms: Math.round(durationMs * 10) / 10,
    engineer: engineerId,
    peer,
    ...names,
  };
  if (cause === undefined) logger.info(fields, "call");
  else logger.error({ ...fields, err: cause }, "call failed");
}

function answerPlain(stores: OpenStores, metrics: ReturnType<typeof createMetrics>, state: { stopping: boolean }) {
  return async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    const [path] = (request.url ?? "").split("?", 1);
    const send = (status: number, body: string, type = "application/json") => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
      response.end(body);
    };
    switch (path) {
      case "/health":
        return send(200, JSON.stringify({ status: "ok" }));
      case "/ready": {
        const check = (ping: Promise<void>) =>
          ping.then(
            () => "ok" as const,
            () => "unavailable" as const,
          );
        const [database, claims] = await Promise.all([check(stores.database.ping()), check(stores.claimStore.ping())]);
        const ready = !state.stopping && database === "ok" && claims === "ok";
        return send(ready ? 200 : 503, JSON.stringify({ ready, stopping: state.stopping, database, claims }));
      }
      case "/metrics":
        return send(200, await metrics.registry.metrics(), metrics.registry.contentType);
      default:
        return send(
          404,
          JSON.stringify({
            code: "unimplemented",
            message: `nothing is at ${path}; methods are at /nexus.v1.<Service>/<Method>`,
          }),
        );
    }
  };
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
