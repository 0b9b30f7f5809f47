import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { ListFeaturesResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { afterEach, expect, test } from "vitest";
import { createNexusClient, type NexusClient, type NexusClientOptions } from "./nexus-client.ts";

const servers: Server[] = [];
const clients: NexusClient[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A client of a server of the test's own, which answers every request like this. */
async function clientOf(listener: RequestListener, options: Partial<NexusClientOptions> = {}): Promise<NexusClient> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createNexusClient({ baseUrl, timeoutMs: 5_000, ...options });
  clients.push(client);
  return client;
}

const JSON_ANSWER = { "content-type": "application/json" };

test("a call is a POST that any Connect server understands", async () => {
  let asked: { readonly url: string | undefined; readonly headers: object; readonly body: unknown } | undefined;
  const client = await clientOf(async (request, response) => {
    asked = { url: request.url, headers: request.headers, body: await json(request) };
    response.writeHead(200, JSON_ANSWER).end("{}");
  });

  await client.features.listFeatures({ projectId: "p" }, { headers: { "x-request-id": "r1" } });

  expect(asked).toMatchObject({
    url: "/nexus.v1.FeatureService/ListFeatures",
    body: { projectId: "p" },
    headers: {
      "content-type": "application/json",
      "connect-protocol-version": "1",
      "connect-timeout-ms": expect.stringMatching(/^\d+$/),
      "x-request-id": "r1",
    },
  });
});

test("a compressed answer is read, and fields that came later are passed over", async () => {
  const client = await clientOf((_request, response) => {
    const body = gzipSync(JSON.stringify({ features: [{ slug: "login", newerField: 1 }] }));
    response.writeHead(200, { ...JSON_ANSWER, "content-encoding": "gzip" }).end(body);
  });

  const { features } = await client.features.listFeatures({});

  expect(features.map(({ slug }) => slug)).toEqual(["login"]);
});

test("the binary form is sent and read where it is asked for", async () => {
  let asked: string | undefined;
  const client = await clientOf(
    (request, response) => {
      asked = request.headers["content-type"];
      const message = create(ListFeaturesResponseSchema, { features: [{ slug: "login" }] });
      response
        .writeHead(200, { "content-type": "application/proto" })
        .end(toBinary(ListFeaturesResponseSchema, message));
    },
    { binary: true },
  );

  const { features } = await client.features.listFeatures({});

  expect(asked).toBe("application/proto");
  expect(features.map(({ slug }) => slug)).toEqual(["login"]);
});

test("an answer that begins and never ends is ended by the time limit", async () => {
  const client = await clientOf(
    (_request, response) => {
      response.writeHead(200, JSON_ANSWER).write('{"features":');
    },
    { timeoutMs: 200 },
  );

  await expect(client.features.listFeatures({})).rejects.toMatchObject({ reason: "DEADLINE_EXCEEDED" });
});

test("the caller's own signal ends a call, before it was sent as well as under way", async () => {
  const ending = new AbortController();
  const client = await clientOf(() => ending.abort());

  for (const when of ["under way", "before"]) {
    const call = client.features.listFeatures({}, { signal: ending.signal });
    await expect(call, when).rejects.toMatchObject({ reason: "CANCELLED" });
  }
});

test("a connection that breaks in the middle of an answer is a server that can't be reached", async () => {
  const client = await clientOf((_request, response) => {
    response.writeHead(200, { ...JSON_ANSWER, "content-length": 100 });
    response.write('{"features":', () => response.destroy());
  });

  await expect(client.features.listFeatures({})).rejects.toMatchObject({ reason: "SERVER_UNREACHABLE" });
});

test.each([
  [200, "text/html", "<h1>hello</h1>", "ANSWER_UNRECOGNISED"],
  [200, "application/json", "{", "ANSWER_UNRECOGNISED"],
  [200, "application/json", '{"features":3}', "ANSWER_UNRECOGNISED"],
  [500, "application/json", "no JSON", "ANSWER_UNRECOGNISED"],
  [302, "text/html", "", "ANSWER_UNRECOGNISED"],
  [503, "text/html", "<h1>busy</h1>", "SERVER_UNREACHABLE"],
])("status %i of type %s saying %j is %s", async (status, type, body, reason) => {
  const client = await clientOf((_request, response) => {
    response.writeHead(status, { "content-type": type }).end(body);
  });

  await expect(client.features.listFeatures({})).rejects.toMatchObject({ reason });
});
