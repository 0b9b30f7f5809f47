import { and, asc, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { EngineerId, ProjectId, SessionId, Slug } from "../../domain/ids.ts";
import { type Page, type PageRequest, pageOf } from "../../domain/page.ts";
import type { Session, SessionState } from "../../domain/sessions/session.ts";
import type { SessionListKey, SessionStore } from "../../domain/sessions/session-store.ts";
import type { Queryable } from "./connect.ts";
import { engineers, features, sessions } from "./schema/index.ts";

/** Sessions in PostgreSQL. */
export class PostgresSessionStore implements SessionStore {
  constructor(private readonly db: Queryable) {}

  async insert(session: Parameters<SessionStore["insert"]>[0]): Promise<boolean> {
    const { id, projectId, engineerId, clientSessionId, agent, host, worktree, branch, openTime } = session;
    const inserted = await this.db
      .insert(sessions)
      .values({ id, projectId, engineerId, clientSessionId, agent, host, worktree, branch, state: "open", openTime })
      .onConflictDoNothing()
      .returning({ id: sessions.id });
    return inserted.length === 1;
  }

  async get(projectId: ProjectId, id: SessionId): Promise<Session | undefined> {
    const [session] = await this.select(and(eq(sessions.projectId, projectId), eq(sessions.id, id)));
    return session;
  }

  async getMany(ids: readonly SessionId[]): Promise<Session[]> {
    return ids.length === 0 ? [] : this.select(inArray(sessions.id, [...ids]));
  }

  async findOpen(projectId: ProjectId, engineerId: EngineerId, clientSessionId: string): Promise<Session | undefined> {
    const [session] = await this.select(
      and(openIn(projectId, engineerId), eq(sessions.clientSessionId, clientSessionId)),
    );
    return session;
  }

  async lockOpen(id: SessionId): Promise<boolean> {
    const rows = await this.db
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(eq(sessions.id, id), eq(sessions.state, "open")))
      .for("share");
    return rows.length === 1;
  }

  async countOpen(projectId: ProjectId, engineerId: EngineerId): Promise<number> {
    return this.db.$count(sessions, openIn(projectId, engineerId));
  }

  async countAllOpen(): Promise<number> {
    return this.db.$count(sessions, sql`${sessions.state} = 'open'`);
  }

  async listOpen(
    projectId: ProjectId,
    { size, after }: PageRequest<SessionListKey>,
  ): Promise<Page<Session, SessionListKey>> {
    const beyond =
      after &&
      sql`(${sessions.openTime}, ${sessions.id}) > (${after.openTime.toISOString()}::timestamptz, ${after.id}::uuid)`;
    const found = await this.select(and(openIn(projectId), beyond), size + 1);
    return pageOf(found, size, ({ openTime, id }) => ({ openTime, id }));
  }

  async listAllOpen(projectId: ProjectId, engineerId?: EngineerId): Promise<Session[]> {
    return this.select(openIn(projectId, engineerId));
  }

  async end(id: SessionId, state: Exclude<SessionState, "open">, time: Date): Promise<Session | undefined> {
    const ended = await this.db
      .update(sessions)
      .set({ state, endTime: time })
      .where(and(eq(sessions.id, id), eq(sessions.state, "open")))
      .returning({ id: sessions.id });
    if (ended.length === 0) return undefined;
    const [session] = await this.select(eq(sessions.id, id));
    return session;
  }

  async markLeaseEnded(id: SessionId): Promise<void> {
    await this.db
      .update(sessions)
      .set({ leaseEnded: true })
      .where(and(eq(sessions.id, id), sql`${sessions.state} <> 'open'`));
  }

  async listEnding(projectId: ProjectId, limit: number): Promise<SessionId[]> {
    const rows = await this.db
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(eq(sessions.projectId, projectId), sql`${sessions.state} <> 'open'`, sql`not ${sessions.leaseEnded}`))
      .orderBy(asc(sessions.endTime))
      .limit(limit);
    return rows.map((row) => row.id as SessionId);
  }

  private async select(where: SQL | undefined, limit?: number): Promise<Session[]> {
    const query = this.db
      .select({ session: sessions, engineerName: engineers.name, featureSlug: features.slug })
      .from(sessions)
      .innerJoin(engineers, eq(engineers.id, sessions.engineerId))
      .leftJoin(features, and(eq(features.sessionId, sessions.id), sql`${features.status} = 'active'`))
      .where(where)
      .orderBy(asc(sessions.openTime), asc(sessions.id))
      .$dynamic();
    const rows = await (limit === undefined ? query : query.limit(limit));
    return rows.map(({ session, engineerName, featureSlug }) => ({
      ...session,
      id: session.id as SessionId,
      projectId: session.projectId as ProjectId,
      engineerId: session.engineerId as EngineerId,
      engineerName,
      featureSlug: (featureSlug ?? undefined) as Slug | undefined,
      endTime: session.endTime ?? undefined,
    }));
  }
}

function openIn(projectId: ProjectId, engineerId?: EngineerId): SQL | undefined {
  return and(
    eq(sessions.projectId, projectId),
    sql`${sessions.state} = 'open'`,
    engineerId === undefined ? undefined : eq(sessions.engineerId, engineerId),
  );
}
