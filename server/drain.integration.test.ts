import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { StreamResumeSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { EventService } from "@nexus/gen/nexus/v1/event_service_pb";
import { KnowledgeService } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { expect, inject, onTestFinished, test } from "vitest";
import { newFolder } from "./testing/new-folder.ts";
import { clientsFor, joinAs, withKey } from "./testing/start-nexus.ts";
import { type ServerProcess, startServerProcess } from "./testing/start-server-process.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { watch } from "./testing/watch.ts";

const CALLERS_EACH = 5;
const CALLS_BEFORE = 5;

type Env = Readonly<Record<string, string>>;

async function start(env: Env): Promise<ServerProcess> {
  const server = await startServerProcess(env);
  onTestFinished(async () => {
    await server.end("SIGKILL");
  });
  return server;
}

async function embedded(): Promise<Env> {
  return { NEXUS_DATA_DIR: await newFolder("drain") };
}

async function served(): Promise<Env> {
  const { url: databaseUrl, drop } = await createTestDatabase();
  onTestFinished(drop);
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: inject("redisUrl"),
    API_KEY_SALT: "a salt that only tests use",
  };
}

/** Callers over both versions of HTTP; the connections are kept. */
function transports(url: string, key: string): Record<"HTTP/1.1" | "HTTP/2", Transport> {
  const interceptors = [withKey(key)];
  const sessionManager = new Http2SessionManager(url);
  onTestFinished(() => sessionManager.abort());
  return {
    "HTTP/1.1": createConnectTransport({ baseUrl: url, httpVersion: "1.1", interceptors }),
    "HTTP/2": createGrpcTransport({ baseUrl: url, sessionManager, interceptors }),
  };
}

/**
 * Whether the caller knows that the server has done nothing: it was not connected any more, or it was told so, as GOAWAY
 * tells of every call that is younger than the last one that the server takes (RFC 9113, section 6.8).
 */
function wasNotTaken(error: unknown): boolean {
  const said = ConnectError.from(error);
  const cause = said.cause instanceof Error && "code" in said.cause ? said.cause.code : undefined;
  return cause === "ECONNREFUSED" || /ECONNREFUSED|REFUSED_STREAM/.test(said.message);
}

test.each([
  ["embedded", embedded],
  ["served", served],
] as const)(
  "a server with %s stores that is told to stop under load fails no call and ends its streams with where to go on",
  async (_kind, makeEnv) => {
    const env = await makeEnv();
    const server = await start({ ...env, NEXUS_DRAIN_SECONDS: "1" });
    const ana = await joinAs(server.url, "ana");
    const { project } = await ana.projects.createProject({ slug: "shop" });
    const projectId = project?.id ?? "";
    const ways = Object.entries(transports(server.url, ana.key));
    const streams = await Promise.all(
      ways.map(([, transport]) => watch(createClient(EventService, transport), { projectId })),
    );
    const answered: string[] = [];
    const failed: unknown[] = [];
    const call = async (way: string, transport: Transport, caller: number) => {
      const client = createClient(KnowledgeService, transport);
      for (let n = 0; ; n++) {
        const text = `${way} ${caller} ${n}`;
        try {
          // Without a request id: whatever was done although it was refused is found below.
          await client.addLearning({ projectId, text });
          answered.push(text);
        } catch (error) {
          if (!wasNotTaken(error)) failed.push(error);
          return n;
        }
      }
    };
    const callers = ways.flatMap(([way, transport]) =>
      Array.from({ length: CALLERS_EACH }, (_, caller) => call(way, transport, caller)),
    );
    await expect.poll(() => answered.length).toBeGreaterThan(2 * CALLERS_EACH * CALLS_BEFORE);

    const ended = server.end("SIGTERM");
    await expect.poll(async () => (await fetch(`${server.url}/ready`)).status).toBe(503);
    const before = answered.length;
    const calls = await Promise.all(callers);

    expect(failed).toEqual([]);
    expect(await ended).toBe(0);
    // Also after it said that it is not ready: whoever sends calls here may not have heard yet.
    expect(answered.length).toBeGreaterThan(before);
    expect(Math.min(...calls)).toBeGreaterThan(0);
    for (const stream of streams) {
      const end = await stream.ended;
      expect(end?.findDetails(ErrorInfoSchema)[0]?.reason).toBe("SERVER_DRAINING");
      const last = stream.events.at(-1)?.sequence;
      expect(end?.findDetails(StreamResumeSchema)[0]?.after[projectId]).toBe(last);
    }
    const next = await start(env);
    expect(await learnings(next, ana.key, projectId)).toEqual([...answered].sort());
  },
);

/** The texts of all learnings. */
async function learnings(server: ServerProcess, key: string, projectId: string): Promise<string[]> {
  const { knowledge } = clientsFor(server.url, key);
  const texts: string[] = [];
  for (let pageToken = ""; ; ) {
    const page = await knowledge.listLearnings({ projectId, pageSize: 500, pageToken });
    texts.push(...page.learnings.map(({ text }) => text));
    pageToken = page.nextPageToken;
    if (pageToken === "") return texts.sort();
  }
}

test("a second signal ends a server at once that goes on answering for long", async () => {
  const server = await start({ ...(await served()), NEXUS_DRAIN_SECONDS: "600" });
  const ended = server.end("SIGTERM");
  await expect.poll(async () => (await fetch(`${server.url}/ready`)).json()).toMatchObject({ stopping: true });

  server.child.kill("SIGINT");

  expect(await ended).toBe(130);
});
