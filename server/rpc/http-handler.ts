import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  cors,
  createConnectRouter,
  createContextValues,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { Call, withinCall } from "../current-call.ts";
import { RequestInvalidError } from "../domain/errors.ts";
import { type BegunCall, callKey, cutKey, peerKey } from "./context.ts";
import { errorToWire } from "./errors.ts";
import { type CallReport, reportOf } from "./interceptors/report-call.ts";
import type { NodeRequest, NodeResponse } from "./node-http.ts";
import { parseTraceParent } from "./trace-parent.ts";

/** What the handler is made of. */
export interface HttpHandlerOptions extends ConnectRouterOptions {
  readonly routes: (router: ConnectRouter) => void;
  /** Origins that browsers may call from; `*` for any. */
  readonly allowedOrigins: readonly string[];
  /** Whether `X-Forwarded-For` says who called. */
  readonly trustProxy: boolean;
  /** Answers what is no rpc: /health and the like. */
  readonly fallback: (request: NodeRequest, response: NodeResponse) => void;
  /** Told of calls that are refused before any interceptor sees them; must not throw. */
  readonly report: (call: CallReport) => void;
  /** Told of what went wrong below the rpc: a connection that broke in mid-answer. */
  readonly onError: (error: unknown) => void;
}

/**
 * Serves gRPC, gRPC-Web and Connect, over whatever HTTP the request came by. Like Connect's own adapter for Node, but
 * browsers' preflights are answered, and a request body that can't be read is refused with our error details.
 */
export function httpHandler(options: HttpHandlerOptions) {
  const { routes, allowedOrigins, trustProxy, fallback, report, onError, ...routerOptions } = options;
  const router = createConnectRouter({ acceptCompression: [compressionGzip], ...routerOptions });
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return (request: NodeRequest, response: NodeResponse): void => {
    if (answerCors(allowedOrigins, request, response)) return;
    const [path = ""] = (request.url ?? "").split("?", 1);
    const handler = handlers.get(path);
    if (handler === undefined) {
      fallback(request, response);
      return;
    }
    const call = new Call(parseTraceParent(request.headers["traceparent"]?.toString()));
    const responding = withinCall(call, () => respond(call, handler, request, response, trustProxy, report));
    responding.catch((error: unknown) => {
      // The caller went away before the answer was written: nobody is left to tell.
      if (ConnectError.from(error).code !== Code.Aborted) onError(error);
      if ("destroy" in response) response.destroy();
    });
  };
}

async function respond(
  call: Call,
  handler: UniversalHandler,
  request: NodeRequest,
  response: NodeResponse,
  trustProxy: boolean,
  report: (call: CallReport) => void,
): Promise<void> {
  const cut = () => ("stream" in response ? response.stream.destroy() : response.destroy());
  const began: BegunCall = {
    call,
    isReported: false,
    refused(error) {
      if (!began.isReported) report(reportOf(call, handler.method, values, error));
      began.isReported = true;
    },
  };
  const values = createContextValues().set(peerKey, peerOf(request, trustProxy)).set(cutKey, cut).set(callKey, began);
  // What nobody has said a word of by then; the promise below stays pending when all went well.
  response.once("close", () => began.refused(unsaid(response.statusCode)));
  response.setHeader("x-request-id", call.id);
  const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, values));
  await universalResponseToNodeResponse(await withErrorInfo(answer, began), response);
}

/** A refusal of which nothing but the status is known: HTTP itself was used wrongly. */
function unsaid(status: number): ConnectError {
  return new ConnectError(`HTTP status ${status}`, Code.Unknown);
}

/** Who called: of several proxies the nearest one's word, since only that one is known to be ours. */
function peerOf(request: NodeRequest, trustProxy: boolean): string {
  const forwarded = trustProxy ? request.headers["x-forwarded-for"] : undefined;
  const named = (Array.isArray(forwarded) ? forwarded.join(",") : forwarded)?.split(",").at(-1)?.trim() ?? "";
  return isIP(named) === 0 ? (request.socket.remoteAddress ?? "") : named;
}

/**
 * Connect refuses what it can't read (unknown fields, malformed messages, bodies over the limit) before any interceptor
 * sees the call. Here that refusal gets the reason, and where it can the field, that every other one has. Over gRPC-Web
 * it keeps Connect's plain form, since its trailers are within the body.
 */
async function withErrorInfo(answer: UniversalServerResponse, began: BegunCall): Promise<UniversalServerResponse> {
  const { status, header, body, trailer } = answer;
  const type = header?.get("content-type") ?? "";
  if (body !== undefined && status !== 200 && type === "application/json" && !header?.has("content-encoding")) {
    const error = errorFromJsonBytes(await readAll(body), undefined, new ConnectError("malformed error"));
    const wire = error.details.length > 0 ? error : unreadToWire(error);
    began.refused(wire);
    const bytes = errorToJsonBytes(wire, undefined);
    header?.set("content-length", String(bytes.byteLength));
    return { ...answer, status: codeToHttpStatus(wire.code), body: once(bytes) };
  }
  if (status !== 200) began.refused(unsaid(status));
  if (body === undefined) return answer;
  if (type.startsWith("application/grpc") && !type.startsWith("application/grpc-web") && trailer !== undefined) {
    return { ...answer, body: thenMendTrailer(body, trailer, began) };
  }
  return answer;
}

/** gRPC's status stands in the trailer, which is complete when the body has ended. */
async function* thenMendTrailer(
  body: AsyncIterable<Uint8Array>,
  trailer: Headers,
  began: BegunCall,
): AsyncIterable<Uint8Array> {
  yield* body;
  const error = findTrailerError(trailer);
  if (error === undefined || error.details.length > 0) return;
  const wire = unreadToWire(error);
  began.refused(wire);
  setTrailerStatus(trailer, wire);
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Whatever Connect could not read is the caller's to mend; what it says of a broken message is INTERNAL otherwise. */
function unreadToWire(error: ConnectError): ConnectError {
  const unreadable = error.code === Code.InvalidArgument || error.code === Code.Internal;
  return errorToWire(unreadable ? bodyInvalid(error.rawMessage) : error, "");
}

/** The parser says `cannot decode message nexus.v1.X from JSON: key "y" is unknown` or `cannot decode field nexus.v1.X.y from JSON: …`. */
function bodyInvalid(message: string): RequestInvalidError {
  const [, unknown] = /key "([^"]*)" is unknown/.exec(message) ?? [];
  if (unknown !== undefined) {
    return new RequestInvalidError([
      { field: unknown, description: "is not a field of this request; see its message in proto/nexus/v1" },
    ]);
  }
  const [, field, problem] = /cannot decode field \S*?([^.\s]+) from JSON: (.*)/s.exec(message) ?? [];
  return new RequestInvalidError([{ field: field ?? "body", description: problem ?? message }]);
}

/** What a browser may send of its trace. */
const TRACE_HEADERS = ["traceparent", "tracestate"];

/** Adds the headers that a browser needs; answers true when the request was a preflight and is done with. */
function answerCors(allowed: readonly string[], request: NodeRequest, response: NodeResponse): boolean {
  const { origin, "access-control-request-method": preflight }: IncomingHttpHeaders = request.headers;
  if (origin === undefined || allowed.length === 0) return false;
  response.setHeader("vary", "origin");
  if (allowed.includes("*") || allowed.includes(origin)) {
    response.setHeader("access-control-allow-origin", allowed.includes("*") ? "*" : origin);
    response.setHeader("access-control-expose-headers", [...cors.exposedHeaders, "x-request-id"].join(", "));
    if (preflight !== undefined) {
      response.setHeader("access-control-allow-methods", cors.allowedMethods.join(", "));
      response.setHeader(
        "access-control-allow-headers",
        [...cors.allowedHeaders, "authorization", ...TRACE_HEADERS].join(", "),
      );
      response.setHeader("access-control-max-age", "7200");
    }
  }
  if (request.method !== "OPTIONS" || preflight === undefined) return false;
  response.writeHead(204);
  response.end();
  return true;
}
