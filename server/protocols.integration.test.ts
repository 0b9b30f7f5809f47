import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startNexus } from "./testing/start-nexus.ts";
import { VERSION } from "./version.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A call as any program would make it that has nothing but HTTP. */
async function post(url: string, path: string, body: unknown, key = ""): Promise<Answer> {
  const response = await fetch(`${url}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key === "" ? {} : { authorization: `Bearer ${key}` }) },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

function reasonIn(body: unknown): unknown {
  return (body as { details: { debug: { reason?: string } }[] }).details[0]?.debug.reason;
}

test.each([
  ["grpc", "--http2-prior-knowledge"],
  ["grpcweb", "--http2-prior-knowledge"],
  ["grpcweb", ""],
  ["connect", "--http2-prior-knowledge"],
  ["connect", ""],
])("buf curl reads and refuses over %s %s", async (protocol, http2) => {
  const nexus = await startNexus("embedded");
  const ana = await nexus.join("ana");
  const call = (key: string) =>
    run(
      "buf",
      [
        ...["curl", "--schema", "proto", "--protocol", protocol, ...(http2 === "" ? [] : [http2])],
        ...["-H", `authorization: Bearer ${key}`, "-d", "{}"],
        `${nexus.url}/nexus.v1.AuthService/GetCurrentEngineer`,
      ],
      { cwd: root, timeout: 30_000 },
    );

  expect(JSON.parse((await call(ana.key)).stdout)).toMatchObject({ engineer: { email: ana.email } });
  await expect(call("nxs_wrong")).rejects.toMatchObject({
    stderr: expect.stringMatching(/"unauthenticated"[\s\S]*"google.rpc.ErrorInfo"/),
  });
});

test("JSON has every field, and unknown ones are refused by name", async () => {
  const nexus = await startNexus("embedded");
  const { key } = await nexus.join("ana");
  const created = await post(nexus.url, "nexus.v1.ProjectService/CreateProject", { slug: "shop" }, key);
  expect(created.body).toMatchObject({ project: { slug: "shop", settings: { sessionTtl: "300s" } } });
  const empty = await post(
    nexus.url,
    "nexus.v1.FeatureService/ListFeatures",
    { projectId: (created.body as { project: { id: string } }).project.id },
    key,
  );
  expect(empty).toEqual({ status: 200, body: { features: [], nextPageToken: "", eventCursor: "1" } });

  const refused = await post(nexus.url, "nexus.v1.ProjectService/ListProjects", { pageSise: 5 }, key);

  expect(refused.status).toBe(400);
  expect(refused.body).toMatchObject({
    code: "invalid_argument",
    details: [
      { type: "google.rpc.ErrorInfo", debug: { reason: "REQUEST_INVALID", domain: "nexus.v1" } },
      { type: "google.rpc.BadRequest", debug: { fieldViolations: [{ field: "pageSise" }] } },
    ],
  });
});

test("a body that is no JSON, or has a field of the wrong kind, says which", async () => {
  const nexus = await startNexus("embedded");
  const broken = await post(nexus.url, "nexus.v1.AuthService/Register", "{broken");
  const wrong = await post(nexus.url, "nexus.v1.AuthService/Register", { name: 5 });

  for (const answer of [broken, wrong]) {
    expect(answer.status).toBe(400);
    expect(reasonIn(answer.body)).toBe("REQUEST_INVALID");
  }
  expect(wrong.body).toMatchObject({ details: [{}, { debug: { fieldViolations: [{ field: "name" }] } }] });
});

test("what later work implements answers UNIMPLEMENTED", async () => {
  const nexus = await startNexus("embedded");
  const { key } = await nexus.join("ana");
  const answer = await post(nexus.url, "nexus.v1.AuthService/CreateInvite", {}, key);
  expect(answer.status).toBe(501);
  expect(reasonIn(answer.body)).toBe("UNIMPLEMENTED");
});

test("read methods may be called with GET", async () => {
  const nexus = await startNexus("embedded");
  const { key, email } = await nexus.join("ana");
  const response = await fetch(
    `${nexus.url}/nexus.v1.AuthService/GetCurrentEngineer?connect=v1&encoding=json&message=%7B%7D`,
    { headers: { authorization: `Bearer ${key}` } },
  );
  expect(await response.json()).toMatchObject({ engineer: { email } });
});

test("the probes answer without a key", async () => {
  const nexus = await startNexus("embedded");
  expect(await (await fetch(`${nexus.url}/health`)).json()).toEqual({ status: "ok", version: VERSION });
  expect(await (await fetch(`${nexus.url}/ready`)).json()).toMatchObject({ ready: true });
  expect(await (await fetch(`${nexus.url}/metrics`)).text()).toContain("nexus_rpc_duration_seconds");
  expect((await fetch(`${nexus.url}/elsewhere`)).status).toBe(404);
});
