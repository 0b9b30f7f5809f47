import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { ClaimConflictSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { CreateFeatureRequestSchema, FeatureService } from "@nexus/gen/nexus/v1/feature_service_pb";
import { afterEach, expect, test } from "vitest";
import { createNexusClient, createServiceClients } from "./nexus-client.ts";
import { NexusError } from "./nexus-error.ts";
import type { RetryTimer } from "./retry.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function refusal(code: Code, reason: string, ...details: ConnectError["details"]): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason, domain: "nexus.v1" } };
  return new ConnectError("told by the server", code, undefined, [info, ...details] as never);
}

/** Waiting is what it does at once; the time of its clock is the sum of the waits. */
class SteppingTimer implements RetryTimer {
  readonly waits: number[] = [];
  #now = 0;
  now(): number {
    return this.#now;
  }
  async wait(ms: number): Promise<void> {
    this.waits.push(ms);
    this.#now += ms;
  }
  jitter(): number {
    return 0;
  }
}

function clientOf(features: Partial<ServiceImpl<typeof FeatureService>>, timer: RetryTimer = new SteppingTimer()) {
  const transport = createRouterTransport((router) => router.service(FeatureService, features));
  return createServiceClients(transport, { baseUrl: "http://nexus", timeoutMs: 10_000, timer });
}

async function failure(call: Promise<unknown>): Promise<NexusError> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(NexusError);
  return thrown as NexusError;
}

test("a refusal keeps its reason and its typed details", async () => {
  const conflict = { desc: ClaimConflictSchema, value: { blocked: [{ heldPath: "src/**", witnessPath: "src/a.ts" }] } };
  const { features } = clientOf({
    pickFeature: () => {
      throw refusal(Code.FailedPrecondition, "CLAIM_CONFLICT", conflict as never);
    },
  });

  const error = await failure(features.pickFeature({ slug: "login" }));

  expect(error.reason).toBe("CLAIM_CONFLICT");
  expect(error.detail(ClaimConflictSchema)?.blocked[0]?.witnessPath).toBe("src/a.ts");
  expect(error.toJson()).toEqual({
    error: {
      code: "failed_precondition",
      reason: "CLAIM_CONFLICT",
      message: "told by the server",
      details: [
        {
          "@type": "nexus.v1.ClaimConflict",
          blocked: [{ heldPath: "src/**", witnessPath: "src/a.ts" }],
          suggestions: [],
          omitted: 0,
        },
      ],
    },
  });
});

test("every call gets a request id of its own, though the same message is sent twice", async () => {
  const ids: string[] = [];
  const { features } = clientOf({
    createFeature: (request) => {
      ids.push(request.requestId);
      return {};
    },
  });
  const request = create(CreateFeatureRequestSchema, { title: "Login" });

  await features.createFeature(request);
  await features.createFeature(request);
  await features.createFeature({ title: "Login", requestId: "given" });

  expect(new Set(ids).size).toBe(3);
  expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(ids[2]).toBe("given");
  expect(request.requestId).toBe("");
});

test("a call is repeated with the same request id while a store does not answer", async () => {
  const ids: string[] = [];
  const timer = new SteppingTimer();
  const wait = { desc: RetryInfoSchema, value: { retryDelay: durationFromMs(700) } };
  const { features } = clientOf(
    {
      pickFeature: (request) => {
        ids.push(request.requestId);
        if (ids.length === 1) throw refusal(Code.Unavailable, "CLAIMS_RECOVERING", wait as never);
        if (ids.length === 2) throw refusal(Code.Unavailable, "STORE_UNAVAILABLE");
        return { feature: { slug: request.slug } };
      },
    },
    timer,
  );

  const answer = await features.pickFeature({ slug: "login" });

  expect(answer.feature?.slug).toBe("login");
  expect(new Set(ids).size).toBe(1);
  expect(timer.waits).toEqual([700, 100]);
});

test("a call is given up when the server asks to wait longer than the call may take", async () => {
  let calls = 0;
  const wait = { desc: RetryInfoSchema, value: { retryDelay: durationFromMs(11_000) } };
  const { features } = clientOf({
    pickFeature: () => {
      calls += 1;
      throw refusal(Code.Unavailable, "CLAIMS_RECOVERING", wait as never);
    },
  });

  expect((await failure(features.pickFeature({}))).reason).toBe("CLAIMS_RECOVERING");
  expect(calls).toBe(1);
});

test("other refusals are not repeated, also when they are UNAVAILABLE", async () => {
  let calls = 0;
  const { features } = clientOf({
    pickFeature: () => {
      calls += 1;
      throw refusal(Code.Unavailable, "SERVER_DRAINING");
    },
  });

  expect((await failure(features.pickFeature({}))).reason).toBe("SERVER_DRAINING");
  expect(calls).toBe(1);
});

test("a server that drops the connection is asked again, and then reported as unreachable", async () => {
  const ids: unknown[] = [];
  const baseUrl = await listen((request) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      ids.push(JSON.parse(body).requestId);
      request.socket.destroy();
    });
  });
  const client = createNexusClient({ baseUrl });

  const error = await failure(client.features.pickFeature({ slug: "login" }));
  client.close();

  expect(error).toMatchObject({ code: "unavailable", reason: "SERVER_UNREACHABLE" });
  expect(ids.length).toBe(5);
  expect(new Set(ids).size).toBe(1);
});

test("a server that never answers ends the call at its time limit", async () => {
  const client = createNexusClient({ baseUrl: await listen(() => {}), timeoutMs: 200 });

  const error = await failure(client.features.listFeatures({}));
  client.close();

  expect(error).toMatchObject({ code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED" });
});

test("a time limit longer than a timer can wait does not end the call at once", async () => {
  const limits: (number | undefined)[] = [];
  const { features } = clientOf({
    getFeature: (_request, context) => {
      limits.push(context.timeoutMs());
      return {};
    },
  });

  await features.getFeature({ slug: "login" }, { timeoutMs: 2 ** 40 });

  expect(limits).toHaveLength(1);
  expect(limits[0]).toBeGreaterThan(1_000_000);
  expect(limits[0]).toBeLessThan(2 ** 31);
});

test("something that is no Nexus server is called that", async () => {
  const baseUrl = await listen((_request, response) => {
    response.writeHead(404, { "content-type": "text/html" }).end("<h1>not here</h1>");
  });
  const client = createNexusClient({ baseUrl });

  const error = await failure(client.features.listFeatures({}));
  client.close();

  expect(error.reason).toBe("ANSWER_UNRECOGNISED");
  expect(error.message).toContain(baseUrl);
});

test("the key travels as a bearer token", async () => {
  let authorization: string | undefined;
  const baseUrl = await listen((request, response) => {
    authorization = request.headers.authorization;
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  const client = createNexusClient({ baseUrl: `${baseUrl}/`, apiKey: "nxs_key" });

  await client.features.listFeatures({});
  client.close();

  expect(authorization).toBe("Bearer nxs_key");
});

test("an address that is none is refused before anything is sent", () => {
  expect(() => createNexusClient({ baseUrl: "localhost:3000" })).toThrow(/http:\/\/127\.0\.0\.1:3000/);
});
