import type { IncomingMessage, RequestOptions } from "node:http";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport, type UnaryResponse } from "@connectrpc/connect";
import { codeFromHttpStatus, errorFromJson } from "@connectrpc/connect/protocol-connect";

const BINARY = "application/proto";

/** Sends one HTTP request: `node:http`'s or `node:https`'s own function. */
export type SendRequest = typeof import("node:http").request;

/** How the unary calls of one client are sent. */
export interface UnarySettings {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** Protobuf's binary form instead of JSON. */
  readonly binary: boolean;
  /** Loads what sends; a program whose every call is its first one pays for nothing that it does not use. */
  readonly send: () => { readonly request: SendRequest; readonly agent: RequestOptions["agent"] };
}

/**
 * A unary call of the Connect protocol. connect-node does the same; but it needs HTTP/2, every compression and the
 * `Headers` of fetch, which together take Node longer to load than the call takes.
 *
 * @throws ConnectError as the server says; DeadlineExceeded and Canceled from this side; else the system's own error
 */
export function unaryCall({ baseUrl, apiKey, binary, send }: UnarySettings): Transport["unary"] {
  const contentType = binary ? BINARY : "application/json";
  return async (method, signal, timeoutMs, header, input) => {
    const message = create(method.input, input);
    const body = binary ? toBinary(method.input, message) : JSON.stringify(toJson(method.input, message));
    const headers: Record<string, string | number> = {
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
      "connect-protocol-version": "1",
      "accept-encoding": "gzip",
    };
    if (timeoutMs !== undefined && timeoutMs > 0) headers["connect-timeout-ms"] = timeoutMs;
    if (apiKey !== undefined) headers["authorization"] = `Bearer ${apiKey}`;
    if (header !== undefined) Object.assign(headers, Object.fromEntries(new Headers(header)));

    const { request, agent } = send();
    const url = `${baseUrl}/${method.parent.typeName}/${method.name}`;
    const options = { method: "POST", headers, agent };
    const answer = await exchange((answered) => request(url, options, answered), body, signal, timeoutMs);
    return response(method, contentType, answer);
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Sends the request and reads the whole answer, within the time. */
function exchange(
  open: (answered: (response: IncomingMessage) => void) => ReturnType<SendRequest>,
  body: string | Uint8Array,
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled());
    let isAnswered = false;
    const request = open((response) => {
      isAnswered = true;
      readAll(response).then((read) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: read });
      }, reject);
    });
    const end = (why: ConnectError) => {
      reject(why);
      request.destroy();
    };
    const late = () => end(new ConnectError("the deadline has passed", Code.DeadlineExceeded));
    const timer = timeoutMs !== undefined && timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
    const abort = () => end(cancelled());
    signal?.addEventListener("abort", abort);
    request.on("error", reject);
    request.on("close", () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      if (!isAnswered) reject(new ConnectError("the connection was closed", Code.Unavailable));
    });
    request.end(body);
  });
}

function cancelled(): ConnectError {
  return new ConnectError("the call was cancelled", Code.Canceled);
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const encoding = response.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return body;
  if (encoding !== "gzip") throw new ConnectError(`unsupported response encoding ${encoding}`, Code.Internal);
  const { gunzipSync } = process.getBuiltinModule("node:zlib");
  return gunzipSync(body);
}

function response<Input extends DescMessage, Output extends DescMessage>(
  method: DescMethodUnary<Input, Output>,
  contentType: string,
  { status, headers, body }: Answer,
): UnaryResponse<Input, Output> {
  if (status !== 200) {
    const failure = new ConnectError(`HTTP ${status}`, codeFromHttpStatus(status));
    throw errorFromJson(parseJson(body) ?? null, undefined, failure);
  }
  const given = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (given !== contentType) throw new ConnectError(`unsupported content type ${given}`, Code.Unknown);
  return {
    stream: false,
    service: method.parent,
    method,
    // Fields that came after this client was made are passed over.
    message:
      contentType === BINARY
        ? fromBinary(method.output, body)
        : fromJson(method.output, parseJson(body) ?? null, { ignoreUnknownFields: true }),
    get header() {
      return new Headers(headers as Record<string, string>);
    },
    get trailer() {
      return new Headers();
    },
  };
}

/** Undefined when it is none. */
function parseJson(body: Buffer): JsonValue | undefined {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
