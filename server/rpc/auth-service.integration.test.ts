import { randomUUID } from "node:crypto";
import { QuotaFailureSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { ApiKeyScope } from "@nexus/gen/nexus/v1/engineer_pb";
import { PermissionDeniedSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { expect, test } from "vitest";
import { formatApiKey, parseApiKey, randomApiKeyId, randomSecret } from "../domain/auth/api-key-format.ts";
import { resetKey } from "../domain/auth/reset-key.ts";
import type { EngineerId } from "../domain/ids.ts";
import { emptyApi, sharedApi } from "../testing/start-api.ts";
import { refusalOf } from "../testing/workplace.ts";

const api = sharedApi();

test("registering answers a key that is good from then on", async () => {
  const server = api.server();

  const { engineer, apiKey } = await server.as(undefined).auth.register({
    name: " Ana ",
    email: "Ana.First@example.com",
    keyName: "laptop",
  });

  expect(engineer).toMatchObject({ name: "Ana", email: "Ana.First@example.com" });
  const current = await server.as(apiKey).auth.getCurrentEngineer({});
  expect(current.engineer).toEqual(engineer);
  expect(current.apiKey).toMatchObject({
    id: parseApiKey(apiKey)?.id,
    name: "laptop",
    lastFour: apiKey.slice(-4),
    scope: ApiKeyScope.FULL,
  });
  expect(current.apiKey?.lastUsedTime).toBeDefined();
});

test("an email is registered once, whatever its case", async () => {
  const server = api.server();
  const { email } = await server.join("ana");

  const second = await refusalOf(server.as(undefined).auth.register({ name: "Ana", email: email.toUpperCase() }));

  expect(second).toMatchObject({ code: "AlreadyExists", reason: "RESOURCE_ALREADY_EXISTS" });
});

test("everything that is wrong with a registration is named", async () => {
  const server = api.server();

  const refused = await refusalOf(server.as(undefined).auth.register({ name: "", email: "ana", requestId: "" }));
  expect(refused).toMatchObject({ code: "InvalidArgument", reason: "REQUEST_INVALID" });
  expect(refused.message).toMatch(/name: .*email: /);

  const badId = await refusalOf(server.as(undefined).auth.register({ name: "A", email: "a@b.c", requestId: "1" }));
  expect(badId.message).toMatch(/^request_id: /);
});

test.each(["closed", "invite"] as const)(
  "with registration %s only the first engineer is let in",
  async (registration) => {
    const server = (await emptyApi()).server({ registration });
    await server.join("first");

    const second = await refusalOf(server.join("second"));

    expect(second).toMatchObject({ code: "PermissionDenied", reason: "REGISTRATION_CLOSED" });
  },
);

test("of two who register at the same time on an empty closed server one is let in", async () => {
  const world = await emptyApi();
  const servers = [world.server({ registration: "closed" }), world.server({ registration: "closed" })];

  const attempts = await Promise.allSettled(servers.map((server, i) => server.join(`first-${i}`)));

  expect(attempts.map((attempt) => attempt.status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("a registration repeated with its request id answers the same engineer and key", async () => {
  const request = { name: "Ana", email: "ana.again@example.com", requestId: randomUUID() };

  const first = await api.server().as(undefined).auth.register(request);
  const again = await api.server().as(undefined).auth.register(request);

  expect(again).toEqual(first);
  await expect(api.server().as(first.apiKey).auth.getCurrentEngineer({})).resolves.toBeDefined();
});

test("registrations with one request id at the same time make one key", async () => {
  const server = api.server();
  const request = { name: "Ana", email: "ana.at.once@example.com", requestId: randomUUID() };

  const answers = await Promise.all(Array.from({ length: 4 }, () => server.as(undefined).auth.register(request)));

  expect(new Set(answers.map((answer) => answer.apiKey)).size).toBe(1);
});

test("a request id that comes with another body or method is refused", async () => {
  const server = api.server();
  const ana = await server.join("ana");
  const requestId = randomUUID();
  const keyId = parseApiKey(ana.key)?.id ?? "";
  const first = await ana.auth.createApiKey({ name: keyId, requestId });

  const again = await ana.auth.createApiKey({ name: keyId, requestId: requestId.toUpperCase() });
  expect(again).toEqual(first);
  await expect(server.as(first.apiKey).auth.getCurrentEngineer({})).resolves.toBeDefined();

  const otherBody = await refusalOf(ana.auth.createApiKey({ name: "ci", requestId }));
  expect(otherBody).toMatchObject({ code: "FailedPrecondition", reason: "REQUEST_ID_REUSED" });
  // The same bytes as the first request.
  const otherMethod = await refusalOf(ana.auth.revokeApiKey({ keyId, requestId }));
  expect(otherMethod.reason).toBe("REQUEST_ID_REUSED");
});

test("two engineers may use the same request id", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  const requestId = randomUUID();

  const [one, other] = [await ana.auth.createApiKey({ requestId }), await bob.auth.createApiKey({ requestId })];

  expect(one.apiKey).not.toBe(other.apiKey);
});

test("calls without a key, with a malformed one and with an unknown one are refused alike", async () => {
  const server = api.server();
  const unknown = formatApiKey({ id: randomApiKeyId(), secret: randomSecret() });

  for (const key of [undefined, "nonsense", unknown]) {
    const refused = await refusalOf(server.as(key).auth.getCurrentEngineer({}));
    expect(refused).toMatchObject({ code: "Unauthenticated", reason: "CREDENTIALS_INVALID" });
  }
});

test("a revoked key is refused at once here, and after 60 s by another server", async () => {
  const [here, there] = [api.server(), api.server()];
  const ana = await here.join("ana");
  const { apiKey, key } = await ana.auth.createApiKey({ name: "ci" });
  await here.as(apiKey).auth.getCurrentEngineer({});
  await there.as(apiKey).auth.listApiKeys({});

  await ana.auth.revokeApiKey({ keyId: key?.id ?? "" });
  await ana.auth.revokeApiKey({ keyId: key?.id ?? "" });

  expect((await refusalOf(here.as(apiKey).auth.listApiKeys({}))).reason).toBe("CREDENTIALS_INVALID");
  api.clock.nowMs += 60_000;
  expect((await refusalOf(there.as(apiKey).auth.listApiKeys({}))).reason).toBe("CREDENTIALS_INVALID");
});

test("nobody revokes somebody else's key", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  const keyId = parseApiKey(bob.key)?.id ?? "";

  const refused = await refusalOf(ana.auth.revokeApiKey({ keyId }));

  expect(refused).toMatchObject({ code: "NotFound", reason: "RESOURCE_NOT_FOUND" });
  await expect(server.as(bob.key).auth.listApiKeys({})).resolves.toBeDefined();
  expect((await refusalOf(ana.auth.revokeApiKey({ keyId: bob.key }))).message).toMatch(/^key_id: /);
});

test("a key of scope READ reads, and does nothing else", async () => {
  const server = api.server();
  const ana = await server.join("ana");
  const { apiKey, key } = await ana.auth.createApiKey({ scope: ApiKeyScope.READ });
  const reader = server.as(apiKey);

  await expect(reader.auth.listApiKeys({})).resolves.toBeDefined();
  for (const call of [
    reader.auth.createApiKey({}),
    reader.auth.revokeApiKey({ keyId: key?.id ?? "" }),
    reader.projects.createProject({ slug: "shop" }),
  ]) {
    const refused = await refusalOf(call);
    expect(refused).toMatchObject({ code: "PermissionDenied", reason: "PERMISSION_DENIED" });
    expect(refused.detail(PermissionDeniedSchema)?.neededRole).toBe("full");
  }
});

test("a key with a lifetime ends by itself", async () => {
  const server = api.server();
  const ana = await server.join("ana");
  const { apiKey, key } = await ana.auth.createApiKey({ lifetime: { seconds: 30n } });
  expect(key?.expireTime?.seconds).toBe(BigInt(api.clock.nowMs / 1_000 + 30));
  await server.as(apiKey).auth.listApiKeys({});

  api.clock.nowMs += 30_000;

  expect((await refusalOf(server.as(apiKey).auth.listApiKeys({}))).reason).toBe("CREDENTIALS_INVALID");
});

test.each([0, -5, 315_576_000_000])("a lifetime of %d s is refused", async (seconds) => {
  const ana = await api.server().join("ana");

  const refused = await refusalOf(ana.auth.createApiKey({ lifetime: { seconds: BigInt(seconds) } }));

  expect(refused.message).toMatch(/^lifetime: /);
});

test("the fiftieth key is the last, also when two are asked for at the same time", async () => {
  const server = api.server();
  const ana = await server.join("ana");
  const [stored = ""] = await storeKeys(ana.id, 48);

  const attempts = await Promise.allSettled([ana.auth.createApiKey({}), ana.auth.createApiKey({})]);
  expect(attempts.map((attempt) => attempt.status).sort()).toEqual(["fulfilled", "rejected"]);

  const refused = await refusalOf(ana.auth.createApiKey({}));
  expect(refused).toMatchObject({ code: "ResourceExhausted", reason: "LIMIT_EXCEEDED" });
  expect(refused.detail(QuotaFailureSchema)).toBeDefined();
  await ana.auth.revokeApiKey({ keyId: stored });
  await expect(ana.auth.createApiKey({})).resolves.toBeDefined();
});

test("keys are listed in pages, the newest first, without those that are revoked or somebody else's", async () => {
  const server = api.server();
  const [ana, bob] = [await server.join("ana"), await server.join("bob")];
  const ids = await storeKeys(ana.id, 4);
  await storeKeys(bob.id, 1);
  await ana.auth.revokeApiKey({ keyId: ids[2] ?? "" });

  const first = await ana.auth.listApiKeys({ pageSize: 2 });
  const second = await ana.auth.listApiKeys({ pageSize: 2, pageToken: first.nextPageToken });

  const own = parseApiKey(ana.key)?.id;
  expect([first, second].map((page) => page.apiKeys.map((key) => key.id))).toEqual([
    [ids[3], ids[1]],
    [ids[0], own],
  ]);
  expect(second.nextPageToken).toBe("");
});

test("a page token of something else is refused", async () => {
  const ana = await api.server().join("ana");
  await ana.projects.createProject({ slug: "a" });
  await ana.projects.createProject({ slug: "b" });
  const { nextPageToken } = await ana.projects.listProjects({ pageSize: 1 });
  expect(nextPageToken).not.toBe("");

  const refused = await refusalOf(ana.auth.listApiKeys({ pageToken: nextPageToken }));

  expect(refused.message).toMatch(/^page_token: /);
});

test("the operator's reset ends every key of an engineer and makes one that is good", async () => {
  const server = api.server();
  const ana = await server.join("ana");
  const { apiKey: ci } = await ana.auth.createApiKey({ name: "ci" });

  const { apiKey, revokedKeys } = await resetKey(server.deps, ana.email.toUpperCase());

  expect(revokedKeys).toBe(2);
  api.clock.nowMs += 60_000;
  for (const old of [ana.key, ci]) {
    expect((await refusalOf(server.as(old).auth.listApiKeys({}))).reason).toBe("CREDENTIALS_INVALID");
  }
  const { apiKeys } = await server.as(apiKey).auth.listApiKeys({});
  expect(apiKeys.map((key) => key.id)).toEqual([parseApiKey(apiKey)?.id]);
});

/** Stores keys that nobody can use, each a second younger than the one before; answers their ids. */
async function storeKeys(engineerId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, randomApiKeyId);
  for (const [i, id] of ids.entries()) {
    const key = {
      id,
      engineerId: engineerId as EngineerId,
      name: "",
      lastFour: "0000",
      scope: "full",
      createTime: new Date(api.clock.nowMs + (i + 1) * 1_000),
      lastUsedTime: undefined,
      expireTime: undefined,
    } as const;
    await api.database.read.apiKeys.insert(key, "no hash");
  }
  return ids;
}
