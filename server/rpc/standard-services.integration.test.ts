import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:http2";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@nexus/gen/grpc/health/v1/health_pb";
import { ServerReflection } from "@nexus/gen/grpc/reflection/v1/reflection_pb";
import { ServerReflection as ServerReflectionAlpha } from "@nexus/gen/grpc/reflection/v1alpha/reflection_pb";
import { expect, onTestFinished, test } from "vitest";
import { startNexus, type TestNexus } from "../testing/start-nexus.ts";
import { watch } from "../testing/watch.ts";

const run = promisify(execFile);

/** Clients without a key. */
function grpcOf(nexus: TestNexus) {
  const sessionManager = new Http2SessionManager(nexus.url);
  onTestFinished(() => sessionManager.abort());
  return createGrpcTransport({ baseUrl: nexus.url, sessionManager });
}

/** `buf curl` that knows nothing but the address. */
async function curl(nexus: TestNexus, method: string, ...more: string[]): Promise<string> {
  const args = ["curl", "--reflect", "--protocol", "grpc", "--http2-prior-knowledge", ...more];
  const cwd = fileURLToPath(new URL("/", import.meta.url));
  return (await run("buf", [...args, nexus.url + method], { cwd, timeout: 30_000 })).stdout;
}

test("a tool with nothing but the address lists, describes, calls and streams", async () => {
  const nexus = await startNexus("embedded");
  const ana = await nexus.join("ana");
  const { project } = await ana.projects.createProject({ slug: "shop" });
  const key = ["-H", `authorization: Bearer ${ana.key}`];
  const projectId = project?.id ?? "";

  const methods = await curl(nexus, "", "--list-methods");
  expect(methods).toContain("nexus.v1.EventService/WatchEvents");
  expect(methods).toContain("grpc.health.v1.Health/Check");
  const called = await curl(nexus, "/nexus.v1.ProjectService/GetProject", ...key, "-d", JSON.stringify({ projectId }));
  expect(JSON.parse(called)).toMatchObject({ project: { slug: "shop" } });
  const refused = curl(
    nexus,
    "/nexus.v1.ProjectService/GetProject",
    ...key,
    "-d",
    JSON.stringify({ projectId: randomUUID() }),
  );
  await expect(refused).rejects.toMatchObject({
    stderr: expect.stringMatching(/"not_found"[\s\S]*"google.rpc.ErrorInfo"/),
  });
  const filter = JSON.stringify({ projectId, after: "0" });
  const streaming = curl(nexus, "/nexus.v1.EventService/WatchEvents", ...key, "-d", filter);
  await expect.poll(() => nexus.server.deps.hub.positions()[0]?.size).toBe(1);
  await expect.poll(() => [...(nexus.server.deps.hub.positions()[0]?.values() ?? [])]).toEqual([1n]);
  const ended = expect(streaming).rejects.toMatchObject({
    stdout: expect.stringContaining('"change": "CHANGE_ADDED"'),
    stderr: expect.stringMatching(/"unavailable"[\s\S]*"nexus.v1.StreamResume"/),
  });
  await nexus.server.stop();
  await ended;
});

test.each([
  ["v1", ServerReflection],
  ["v1alpha", ServerReflectionAlpha],
] as const)("reflection %s answers every kind of question, also those without an answer", async (_version, service) => {
  const nexus = await startNexus("embedded");
  const client = createClient(service as typeof ServerReflection, grpcOf(nexus));
  async function* questions() {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
    for (const value of ["nexus.v1.Event", "nexus.v1.EventService.WatchEvents", "nexus.v1.ClaimConflict"]) {
      yield { messageRequest: { case: "fileContainingSymbol" as const, value } };
    }
    yield { messageRequest: { case: "fileByFilename" as const, value: "nexus/v1/event_service.proto" } };
    yield { messageRequest: { case: "allExtensionNumbersOfType" as const, value: "nexus.v1.Event" } };
    yield { messageRequest: { case: "fileContainingSymbol" as const, value: "nexus.v1.Nothing" } };
    yield { messageRequest: { case: "fileByFilename" as const, value: "nothing.proto" } };
    yield { messageRequest: { case: undefined } };
  }

  const answers: string[] = [];
  for await (const { messageResponse } of client.serverReflectionInfo(questions())) {
    const { value } = messageResponse;
    answers.push(
      value !== undefined && "errorCode" in value ? `error ${value.errorCode}` : String(messageResponse.case),
    );
  }

  const files = Array.from({ length: 4 }, () => "fileDescriptorResponse");
  expect(answers).toEqual([
    "listServicesResponse",
    ...files,
    "allExtensionNumbersResponse",
    "error 5",
    "error 5",
    "error 3",
  ]);
});

test("a tool that hangs up in the middle of a reflection is no failure", async () => {
  const nexus = await startNexus("embedded");
  const socket = connect(nexus.url);
  const stream = socket.request({
    ":method": "POST",
    ":path": "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "content-type": "application/grpc",
    te: "trailers",
  });
  // list_services: "*", and the stream stays open.
  stream.write(Buffer.from([0, 0, 0, 0, 3, 0x3a, 1, 0x2a]));
  await once(stream, "data");
  socket.destroy();

  const metrics = async () => (await fetch(`${nexus.url}/metrics`)).text();
  await expect
    .poll(metrics)
    .toMatch(/nexus_rpc_duration_seconds_count\{method="ServerReflection\/ServerReflectionInfo"/);
  expect(await metrics()).not.toMatch(/reason="INTERNAL"\} [1-9]/);
});

test("health is asked without a key, of the server or of one service", async () => {
  const nexus = await startNexus("embedded");
  const health = createClient(Health, grpcOf(nexus));

  expect(await health.check({})).toMatchObject({ status: Status.SERVING });
  expect(await health.check({ service: "nexus.v1.ClaimService" })).toMatchObject({ status: Status.SERVING });
  const unknown = await health.check({ service: "nexus.v1.Nothing" }).catch(ConnectError.from);
  expect(unknown).toMatchObject({ code: 5 });
});

test("who watches the health hears of a store that goes and comes back, and of the shutdown", async () => {
  const nexus = await startNexus("embedded");
  const health = createClient(Health, grpcOf(nexus));
  const heard: Status[] = [];
  const ended = (async () => {
    for await (const { status } of health.watch({ service: "nexus.v1.EventService" })) heard.push(status);
  })();
  await expect.poll(() => heard).toEqual([Status.SERVING]);

  const { claimStore } = nexus;
  const ping = claimStore.ping.bind(claimStore);
  claimStore.ping = () => Promise.reject(new Error("away"));
  expect(await health.check({})).toMatchObject({ status: Status.NOT_SERVING });
  claimStore.ping = ping;
  await expect.poll(() => heard).toEqual([Status.SERVING, Status.NOT_SERVING]);
  await nexus.server.tickStreams(1_000);
  await expect.poll(() => heard.length).toBe(3);
  await nexus.server.stop();
  await ended;

  expect(heard).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
});

test("stores that hang keep no stream of events from its bookmark", async () => {
  const nexus = await startNexus("embedded");
  const ana = await nexus.join("ana");
  const { project } = await ana.projects.createProject({ slug: "shop" });
  const stream = await watch(ana.events, { projectId: project?.id ?? "" });
  const health = createClient(Health, grpcOf(nexus)).watch({})[Symbol.asyncIterator]();
  await health.next();
  await nexus.server.tickStreams(1_000);

  const hangs = () => new Promise<never>(() => {});
  nexus.claimStore.ping = hangs;
  nexus.server.deps.database.read.events.latest = hangs;
  void nexus.server.tickStreams(2_000);
  void nexus.server.tickStreams(17_000);

  await expect.poll(() => stream.bookmarks.length).toBe(2);
  stream.stop();
});

test("who asks for a service that is not here hears so on the stream", async () => {
  const nexus = await startNexus("embedded");
  const health = createClient(Health, grpcOf(nexus));

  for await (const { status } of health.watch({ service: "nexus.v1.Nothing" })) {
    expect(status).toBe(Status.SERVICE_UNKNOWN);
    break;
  }
});
