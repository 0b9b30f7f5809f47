import { joinAs } from "../start-nexus.ts";
import { startTestingServer, type TestingServer } from "../start-testing-server.ts";
import { type CrashSite, clientsOnce } from "./cell.ts";

/** A site of real processes. */
export interface ProcessSite extends CrashSite {
  close(): Promise<void>;
}

/** Two servers over the same PostgreSQL and Redis. */
export function servedSite(env: Readonly<Record<string, string>>): Promise<ProcessSite> {
  return openSite(env, 2);
}

/** One server with stores of its own in this folder: a crash of it is a crash of its PostgreSQL and a rebuild. */
export function embeddedSite(dataDir: string): Promise<ProcessSite> {
  return openSite({ NEXUS_DATA_DIR: dataDir }, 1);
}

async function openSite(env: Readonly<Record<string, string>>, count: number): Promise<ProcessSite> {
  let closing = false;
  const start = async (index: number): Promise<TestingServer> => {
    // Reconcilers run when a cell says so, hence at the server that it means.
    const server = await startTestingServer(env, { reconcileMs: 0 });
    server.ended.then(() => {
      if (!closing) servers[index] = started(index);
    });
    return server;
  };
  /** Its failure is told to who asks for the server. */
  const started = (index: number): Promise<TestingServer> => {
    const server = start(index);
    server.catch(() => {});
    return server;
  };
  const servers: Promise<TestingServer>[] = [];
  for (let index = 0; index < count; index++) servers.push(started(index));
  const server = async (index: number): Promise<TestingServer> => {
    const one = servers[index];
    if (one === undefined) throw new Error(`there is no server ${index}`);
    return one;
  };
  const { url } = await server(0);
  const people = { ana: await joinAs(url, "ana"), ben: await joinAs(url, "ben") };
  return {
    armed: () => server(0),
    other: () => server(count - 1),
    clients: clientsOnce(people),
    benEmail: people.ben.email,
    losesClaims: count === 1,
    async close() {
      closing = true;
      for (const one of await Promise.allSettled(servers)) if (one.status === "fulfilled") await one.value.end();
    },
  };
}
