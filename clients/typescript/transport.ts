import type { Agent } from "node:http";
import type { Transport } from "@connectrpc/connect";
import { unaryCall } from "./unary-call.ts";

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
 * comes back soonest, since no HTTP/2 session has to be set up. What sends is loaded at the first call, and what reads
 * streams at the first stream.
 */
export function createNexusTransport(options: TransportOptions): ClosableTransport {
  const { baseUrl, apiKey, binary = false } = options;
  let agent: Agent | undefined;
  const send = () => {
    // `import()` would evaluate each export, and with the one called WebSocket the whole of fetch.
    const http = process.getBuiltinModule(baseUrl.startsWith("https:") ? "node:https" : "node:http");
    agent ??= new http.Agent({ keepAlive: true });
    return { request: http.request, agent };
  };
  let streaming: Promise<Transport> | undefined;
  const streamTransport = async () => {
    const { createStreamTransport } = await import("./stream-transport.ts");
    return createStreamTransport(options, send().agent);
  };
  const transport: Transport = {
    unary: unaryCall({ baseUrl, apiKey, binary, send }),
    async stream(...call) {
      streaming ??= streamTransport();
      return (await streaming).stream(...call);
    },
  };
  return { transport, close: () => agent?.destroy() };
}
