import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createNexusClient, type NexusClient, NexusError } from "@nexus/client";
import { Redis } from "ioredis";
import postgres from "postgres";
import { startEmbeddedPostgres } from "../../server/storage/embedded/postgres.ts";
import { startRedisServer } from "../../server/testing/redis-server.ts";
import { createScratchDir } from "../../server/testing/scratch-dir.ts";
import { startServerProcess } from "../../server/testing/start-server-process.ts";

const SERVER = fileURLToPath(new URL("../../server/dist/main.js", import.meta.url));
const SESSIONS = 1_000;
const WATCHED = 5;
const POLL_MS = 100;
const BOUND_MS = 120_000;

/** How a project came back. */
export interface Comeback {
  /** Until a free feature could be picked. */
  readonly seconds: number;
  /** Calls that were refused meanwhile; the client repeats them by itself. */
  readonly recovering: number;
  /** Of the watched sessions, those that hold what they held. */
  readonly kept: number;
}

/** One server over a private PostgreSQL and Redis, with one project full of claims. Ended when it is disposed of. */
export class RebuildBench implements AsyncDisposable {
  private constructor(
    readonly sessions: readonly string[],
    private readonly perSession: number,
    private readonly url: string,
    private readonly projectId: string,
    private readonly nexus: NexusClient,
    private readonly redis: Redis,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async start(claims: number): Promise<RebuildBench> {
    await using stack = new AsyncDisposableStack();
    const scratch = await createScratchDir();
    stack.defer(() => scratch.remove());
    const database = await startEmbeddedPostgres({ dataDir: join(scratch.path, "data"), durable: false });
    stack.defer(() => database.stop());
    const redisServer = await startRedisServer(join(scratch.path, "redis"));
    stack.defer(() => redisServer.stop());
    const redis = new Redis(redisServer.url);
    stack.defer(() => redis.disconnect());
    const env = {
      DATABASE_URL: database.url,
      REDIS_URL: redisServer.url,
      API_KEY_SALT: "a salt of the bench",
      LOG_LEVEL: "error",
    };
    const server = await startServerProcess(env, SERVER);
    stack.defer(async () => {
      await server.end();
    });
    const { apiKey, engineer } = await createNexusClient({ baseUrl: server.url }).auth.register({
      name: "Ana",
      email: "ana@example.com",
    });
    const nexus = createNexusClient({ baseUrl: server.url, apiKey });
    stack.defer(() => nexus.close());
    const { project } = await nexus.projects.createProject({ slug: "bench" });
    const projectId = project?.id ?? "";
    const perSession = Math.ceil(claims / SESSIONS);
    const sessions = await fill(database.url, projectId, engineer?.id ?? "", perSession);
    return new RebuildBench(sessions, perSession, server.url, projectId, nexus, redis, stack.move());
  }

  /** The sessions that are looked at. */
  get watched(): readonly string[] {
    return this.sessions.slice(0, WATCHED);
  }

  async flush(): Promise<void> {
    await this.redis.flushall();
  }

  /** Picks a free feature again and again until that succeeds. */
  async untilServed(): Promise<Comeback> {
    const { projectId, nexus } = this;
    const slug = `free-${randomUUID()}`;
    await nexus.features.createFeature({ projectId, slug, title: slug, touches: [{ path: slug }] });
    await nexus.features.markFeatureReady({ projectId, slug });
    const started = performance.now();
    const before = await this.refusals();
    let sessionId: string | undefined;
    while (performance.now() - started < BOUND_MS) {
      try {
        sessionId ??= (await nexus.sessions.openSession({ projectId })).session?.id ?? "";
        await nexus.features.pickFeature({ projectId, slug, sessionId });
        const seconds = (performance.now() - started) / 1_000;
        return { seconds, recovering: (await this.refusals()) - before, kept: await this.keptByWatched() };
      } catch (error) {
        // The client has repeated the refused call for as long as it may.
        const recovering = error instanceof NexusError && /CLAIMS_RECOVERING|DEADLINE/.test(error.reason);
        if (!recovering) throw error;
        await pause(POLL_MS);
      }
    }
    throw new Error(`the project was not served again within ${BOUND_MS / 1_000} s`);
  }

  private async refusals(): Promise<number> {
    const metrics = await (await fetch(`${this.url}/metrics`)).text();
    return Number(/^nexus_refusals_total\{reason="CLAIMS_RECOVERING"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
  }

  private async keptByWatched(): Promise<number> {
    const beats = this.watched.map((sessionId) =>
      this.nexus.sessions.heartbeatSession({ projectId: this.projectId, sessionId }),
    );
    return (await Promise.all(beats)).filter(({ claims }) => claims.length === this.perSession).length;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stack.disposeAsync();
  }
}

/**
 * Writes sessions at work straight into the tables: an agent each, one feature, so many claims of one path. All at once,
 * since the server looks for sessions at work.
 */
async function fill(url: string, projectId: string, engineerId: string, perSession: number): Promise<string[]> {
  const connection = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await connection.begin(async (sql) => {
      // An engineer may have 200 sessions open; most of these are somebody else's.
      const other = sql`(
        insert into engineers (id, name, email, create_time) values (gen_random_uuid(), 'Ben', 'ben@example.com', now())
        returning id)`;
      const rows = await sql<{ id: string }[]>`
        with ben as ${other}
        insert into sessions (id, project_id, engineer_id, client_session_id, agent, host, worktree, branch, state, open_time)
        select gen_random_uuid(), ${projectId}, case when n <= ${WATCHED} then ${engineerId}::uuid else ben.id end,
          'agent ' || n, 'bench', '', '', '', 'open', now()
        from generate_series(1, ${SESSIONS}) n, ben order by n returning id`;
      await sql`
        insert into features (id, project_id, slug, title, spec, status, lane, position, touches, session_id, claim_id,
          acquire_time, create_time, update_time)
        select gen_random_uuid(), project_id, 'f' || row_number() over (), 'f', '', 'active', 1, row_number() over (),
          '[]', id, gen_random_uuid(), now(), now(), now()
        from sessions where project_id = ${projectId}`;
      await sql`
        insert into claims (id, project_id, feature_id, session_id, fencing_token, state, touches, acquire_time)
        select case when n = 1 then claim_id else gen_random_uuid() end, project_id, f.id, session_id,
          4294967296 + row_number() over (), 'held', jsonb_build_array(
            jsonb_build_object('path', 'src/' || slug || '/module-' || n || '.ts', 'mode', 'exclusive')), now()
        from features f, generate_series(1, ${perSession}) n where project_id = ${projectId} and status = 'active'`;
      await sql`update features f set fencing_token = c.fencing_token from claims c where c.id = f.claim_id`;
      return rows.map((row) => row.id);
    });
  } finally {
    await connection.end();
  }
}
