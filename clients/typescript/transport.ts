import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";

/** Where the server is and who calls. */
export interface TransportOptions {
  /** `http://host:port` or `https://…`, perhaps with a path prefix. */
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  /** Protobuf's binary form instead of JSON; fewer bytes and less work where many calls are made. */
  readonly binary?: boolean | undefined;
}

/** A transport, and how to let go of its connections. */
export interface ClosableTransport {
  readonly transport: Transport;
  close(): void;
}

/**
 * The Connect protocol over HTTP/1.1 with connections that are kept: of the three protocols the one whose first call
 * comes back soonest, since no HTTP/2 session has to be set up.
 */
export function createNexusTransport({ baseUrl, apiKey, binary = false }: TransportOptions): ClosableTransport {
  const agent = baseUrl.startsWith("https:") ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const transport = createConnectTransport({
    baseUrl,
    httpVersion: "1.1",
    useBinaryFormat: binary,
    nodeOptions: { agent },
    interceptors: apiKey === undefined ? [] : [bearerKey(apiKey)],
  });
  return { transport, close: () => agent.destroy() };
}

function bearerKey(apiKey: string): Interceptor {
  return (next) => (request) => {
    request.header.set("Authorization", `Bearer ${apiKey}`);
    return next(request);
  };
}
