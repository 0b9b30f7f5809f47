import type { IncomingHttpHeaders } from "node:http";
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
import { errorFromJsonBytes, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { RequestInvalidError } from "../domain/errors.ts";
import { peerKey } from "./context.ts";
import { errorToWire } from "./errors.ts";
import type { NodeRequest, NodeResponse } from "./node-http.ts";

/** What the handler is made of. */
export interface HttpHandlerOptions extends ConnectRouterOptions {
  readonly routes: (router: ConnectRouter) => void;
  /** Origins that browsers may call from; `*` for any. */
  readonly allowedOrigins: readonly string[];
  /** Whether `X-Forwarded-For` says who called. */
  readonly trustProxy: boolean;
  /** Answers what is no rpc: /health and the like. */
  readonly fallback: (request: NodeRequest, response: NodeResponse) => void;
  /** Told of what went wrong below the rpc: a connection that broke in mid-answer. */
  readonly onError: (error: unknown) => void;
}

/**
 * Serves gRPC, gRPC-Web and Connect, over whatever HTTP the request came by. Like Connect's own adapter for Node, but
 * browsers' preflights are answered, and a request body that can't be read is refused with our error details.
 */
export function httpHandler(options: HttpHandlerOptions) {
  const { routes, allowedOrigins, trustProxy, fallback, onError, ...routerOptions } = options;
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
    respond(handler, request, response, trustProxy).catch((error: unknown) => {
      // The caller went away before the answer was written: nobody is left to tell.
      if (ConnectError.from(error).code !== Code.Aborted) onError(error);
      if ("destroy" in response) response.destroy();
    });
  };
}

async function respond(
  handler: UniversalHandler,
  request: NodeRequest,
  response: NodeResponse,
  trustProxy: boolean,
): Promise<void> {
  const values = createContextValues().set(peerKey, peerOf(request, trustProxy));
  const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, values));
  await universalResponseToNodeResponse(await withErrorInfo(answer), response);
}

/** Who called: of several proxies the nearest one's word, since only that one is known to be ours. */
function peerOf(request: NodeRequest, trustProxy: boolean): string {
  const forwarded = trustProxy ? request.headers["x-forwarded-for"] : undefined;
  const named = (Array.isArray(forwarded) ? forwarded.join(",") : forwarded)?.split(",").at(-1)?.trim();
  return named || (request.socket.remoteAddress ?? "");
}

/**
 * Connect refuses a JSON body with unknown or misshapen fields before any interceptor sees the call. Here that refusal
 * gets the reason and the field that every other one has.
 */
async function withErrorInfo(answer: UniversalServerResponse): Promise<UniversalServerResponse> {
  const isJson = answer.header?.get("content-type") === "application/json";
  if (answer.status !== 400 || !isJson || answer.header?.has("content-encoding") || answer.body === undefined) {
    return answer;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const error = errorFromJsonBytes(bytes, undefined, new ConnectError("malformed error"));
  const unread = error.code === Code.InvalidArgument && error.details.length === 0;
  const body = unread ? errorToJsonBytes(errorToWire(bodyInvalid(error.rawMessage), ""), undefined) : bytes;
  answer.header?.set("content-length", String(body.byteLength));
  return { ...answer, body: once(body) };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
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

/** Adds the headers that a browser needs; answers true when the request was a preflight and is done with. */
function answerCors(allowed: readonly string[], request: NodeRequest, response: NodeResponse): boolean {
  const { origin, "access-control-request-method": preflight }: IncomingHttpHeaders = request.headers;
  if (origin === undefined || allowed.length === 0) return false;
  response.setHeader("vary", "origin");
  if (allowed.includes("*") || allowed.includes(origin)) {
    response.setHeader("access-control-allow-origin", allowed.includes("*") ? "*" : origin);
    response.setHeader("access-control-expose-headers", [...cors.exposedHeaders, "nexus-call-id"].join(", "));
    if (preflight !== undefined) {
      response.setHeader("access-control-allow-methods", cors.allowedMethods.join(", "));
      response.setHeader("access-control-allow-headers", [...cors.allowedHeaders, "authorization"].join(", "));
      response.setHeader("access-control-max-age", "7200");
    }
  }
  if (request.method !== "OPTIONS" || preflight === undefined) return false;
  response.writeHead(204);
  response.end();
  return true;
}
