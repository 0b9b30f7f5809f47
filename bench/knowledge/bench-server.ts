import { join } from "node:path";
import { createNexusClient, type NexusClient } from "@nexus/client";
import postgres from "postgres";
import { runningEmbeddedPostgres } from "../../server/storage/embedded/postgres.ts";
import { type CorpusSize, fillCorpus } from "../../server/testing/knowledge-corpus.ts";
import { createScratchDir } from "../../server/testing/scratch-dir.ts";
import { startDemoServer } from "../demo/demo-server.ts";

/** A server process of its own, in which a project knows much, and one beside it as much. */
export interface BenchServer {
  readonly client: NexusClient;
  readonly projectId: string;
  /** Ends everything, and removes it. */
  stop(): Promise<void>;
}

/**
 * Starts and fills one.
 *
 * @param program the server's bundle
 */
export async function startBenchServer(program: string, size: CorpusSize): Promise<BenchServer> {
  const scratch = await createScratchDir();
  const dataDir = join(scratch.path, "data");
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH, HOME, LOG_LEVEL: "warn", NEXUS_REGISTRATION: "open" };
  const server = await startDemoServer(program, dataDir, env, new AbortController().signal);
  const stranger = createNexusClient({ baseUrl: server.url });
  const { engineer, apiKey } = await stranger.auth.register({ name: "Ana", email: "ana@example.com" });
  stranger.close();
  const client = createNexusClient({ baseUrl: server.url, apiKey });
  const sql = postgres((await runningEmbeddedPostgres(dataDir)) ?? "", { max: 1, onnotice: () => {} });
  const projectIds: string[] = [];
  for (const slug of ["bench", "beside"]) {
    const { project } = await client.projects.createProject({ slug });
    await fillCorpus(sql, project?.id ?? "", engineer?.id ?? "", size);
    projectIds.push(project?.id ?? "");
  }
  await sql`analyze`;
  await sql.end();
  return {
    client,
    projectId: projectIds[0] ?? "",
    async stop() {
      client.close();
      await server.stop();
      await scratch.remove();
    },
  };
}
