import type { Agent } from "node:http";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { TransportOptions } from "./transport.ts";

/** What reads streams: connect-node, over connections of that agent. */
export function createStreamTransport({ baseUrl, apiKey, binary }: TransportOptions, agent: Agent): Transport {
  return createConnectTransport({
    baseUrl,
    httpVersion: "1.1",
    useBinaryFormat: binary ?? false,
    nodeOptions: { agent },
    interceptors: apiKey === undefined ? [] : [bearerKey(apiKey)],
  });
}

function bearerKey(apiKey: string): Interceptor {
  return (next) => (request) => {
    request.header.set("Authorization", `Bearer ${apiKey}`);
    return next(request);
  };
}
