import { Agent, request } from "node:http";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { NexusClient } from "@nexus/client";
import { ListAvailableFeaturesRequestSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { GetProjectStatusRequestSchema } from "@nexus/gen/nexus/v1/project_service_pb";
import { GetRoadmapRequestSchema } from "@nexus/gen/nexus/v1/roadmap_service_pb";
import postgres from "postgres";
import { serverCpuSeconds } from "../replay/server-cpu.ts";
import type { BenchServers } from "./bench-servers.ts";
import { fillProject, openSessions } from "./fill-project.ts";

/** Sessions at work, each holding what its feature touches, while the project is read. */
const HOLDING = 30;
/** Other projects of the same size, so that an index is worth more than a scan of everything. */
const OTHERS = 20;

/** What reading costs. */
export interface ReadResult {
  readonly name: string;
  /** In milliseconds, from the request to the last byte of the answer; nobody takes that apart. */
  readonly ms: readonly number[];
  /** Processor time of the server process for one of them, in milliseconds; of the stores it is not in it. */
  readonly cpuMs: number;
  /** Sequential scans of `features` in all runs. What is small beside it, PostgreSQL may well read whole. */
  readonly scans: number;
}

/** Reads a project of so many features again and again, by each of the calls that show it. */
export async function measureReads(
  client: NexusClient,
  { databaseUrl, url }: BenchServers,
  apiKey: string,
  features: number,
  runs: number,
): Promise<ReadResult[]> {
  const projectId = await fillProject(client, []);
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    await addFeatures(sql, projectId, features);
    await addOthers(sql, projectId);
    for (const sessionId of await openSessions(client, projectId, HOLDING)) {
      await client.features.pickNextFeature({ projectId, sessionId });
    }
    const agent = new Agent({ keepAlive: true });
    const call = <Schema extends DescMessage>(method: string, schema: Schema, message: MessageInitShape<Schema>) => {
      const body = toBinary(schema, create(schema, message));
      return () => post(`${url}/nexus.v1.${method}`, apiKey, body, agent);
    };
    const available = ListAvailableFeaturesRequestSchema;
    const calls = [
      ["GetRoadmap", call("RoadmapService/GetRoadmap", GetRoadmapRequestSchema, { projectId })],
      ["ListAvailableFeatures", call("FeatureService/ListAvailableFeatures", available, { projectId })],
      [
        "the same with include_blocked",
        call("FeatureService/ListAvailableFeatures", available, { projectId, includeBlocked: true }),
      ],
      ["GetProjectStatus", call("ProjectService/GetProjectStatus", GetProjectStatusRequestSchema, { projectId })],
    ] as const;
    const results: ReadResult[] = [];
    for (const [name, call] of calls) {
      for (let run = 0; run < 10; run++) await call();
      const before = await sequentialScans(sql);
      const cpuBefore = (await serverCpuSeconds(url)) ?? 0;
      const ms: number[] = [];
      for (let run = 0; run < runs; run++) {
        const sent = performance.now();
        await call();
        ms.push(performance.now() - sent);
      }
      const cpuMs = (((await serverCpuSeconds(url)) ?? 0) - cpuBefore) * (1_000 / runs);
      results.push({ name, ms, cpuMs, scans: (await sequentialScans(sql)) - before });
    }
    agent.destroy();
    return results;
  } finally {
    await sql.end();
  }
}

/** Makes a call in Connect's binary form, without what a client does to read the answer. */
function post(url: string, apiKey: string, body: Uint8Array, agent: Agent): Promise<void> {
  const headers = {
    authorization: `Bearer ${apiKey}`,
    "content-type": "application/proto",
    "connect-protocol-version": 1,
  };
  return new Promise((resolve, reject) => {
    request(url, { method: "POST", headers, agent }, (response) => {
      response.on("error", reject).on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${url} answers ${response.statusCode}`));
      });
      response.resume();
    })
      .on("error", reject)
      .end(body);
  });
}

/**
 * Adds ready features, three entries each and every fifth with a dependency; straight into the table, since the API
 * would compare each with all of the others, to advise on its touches.
 */
async function addFeatures(sql: postgres.Sql, projectId: string, count: number): Promise<void> {
  await sql`
    insert into features (id, project_id, slug, title, spec, status, lane, position, touches, create_time, update_time, ready_time)
    select gen_random_uuid(), ${projectId}, 'f-' || n, 'Feature ' || n, repeat('what is to be done. ', 50), 'ready', 1 + n % 4, n,
      jsonb_build_array(
        jsonb_build_object('path', format('packages/p%s/src/f%s.ts', n % 20, n), 'mode', 'exclusive'),
        jsonb_build_object('path', format('packages/p%s/src/hot-%s.ts', n % 20, n % 11), 'mode', 'exclusive'),
        jsonb_build_object('path', format('packages/p%s/gen/f%s/**', n % 20, n), 'mode', 'exclusive')),
      now(), now(), now()
    from generate_series(1, ${count}::int) n`;
  await sql`
    insert into feature_dependencies (feature_id, depends_on_id, ordinal)
    select later.id, earlier.id, 0 from features later join features earlier
      on earlier.project_id = later.project_id and earlier.position = later.position - 60
    where later.project_id = ${projectId} and later.position > 100 and later.position::int % 5 = 0`;
}

/** Copies the project's features into others; nobody works on those. */
async function addOthers(sql: postgres.Sql, projectId: string): Promise<void> {
  const named = await sql<{ name: string }[]>`
    select column_name as name from information_schema.columns
    where table_name = 'features' and is_generated = 'NEVER' and column_name not in ('id', 'project_id')`;
  const columns = named.map(({ name }) => name).join(", ");
  for (let other = 0; other < OTHERS; other++) {
    const [project] = await sql<{ id: string }[]>`
      insert into projects (id, slug, name, creator_id, session_ttl_ms, lock_delay_ms, shared_paths, case_sensitive, create_time)
      select gen_random_uuid(), slug || ${`-${other}`}::text, name, creator_id, session_ttl_ms, lock_delay_ms, shared_paths,
        case_sensitive, create_time
      from projects where id = ${projectId} returning id`;
    await sql.unsafe(
      `insert into features (id, project_id, ${columns})
       select gen_random_uuid(), $1::uuid, ${columns} from features where project_id = $2::uuid`,
      [project?.id ?? "", projectId],
    );
  }
  await sql`
    insert into feature_dependencies (feature_id, depends_on_id, ordinal)
    select later.id, earlier.id, 0 from features later join features earlier
      on earlier.project_id = later.project_id and earlier.position = later.position - 60
    where later.position > 100 and later.position::int % 5 = 0 on conflict do nothing`;
  await sql`analyze`;
}

async function sequentialScans(sql: postgres.Sql): Promise<number> {
  // A connection reports what it has counted when it is idle for a moment, at the latest after a second.
  await sql`select pg_sleep(1.5)`;
  const [row] = await sql<{ scans: number }[]>`
    select coalesce(sum(seq_scan), 0)::int as scans from pg_stat_user_tables
    where relname = 'features'`;
  return row?.scans ?? 0;
}
