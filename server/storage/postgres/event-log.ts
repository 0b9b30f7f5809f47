import { and, asc, eq, gt, gte, inArray, type SQL, sql } from "drizzle-orm";
import { ResourceNotFoundError } from "../../domain/errors.ts";
import type { Event, EventFilter, NewEvent } from "../../domain/events/event.ts";
import { type EventLog, type EventReader, type LogExtent, MAX_PAGE_BYTES } from "../../domain/events/event-log.ts";
import type { EngineerId, ProjectId, SessionId, Slug } from "../../domain/ids.ts";
import type { Page, PageRequest } from "../../domain/page.ts";
import type { Queryable } from "./connect.ts";
import { events, projects } from "./schema/index.ts";

/** Events in PostgreSQL. */
export class PostgresEventReader implements EventReader {
  constructor(protected readonly db: Queryable) {}

  async extent(projectId: ProjectId): Promise<LogExtent | undefined> {
    const oldest = sql<bigint | null>`(select min(sequence) from ${events} where project_id = ${projectId})`;
    const [row] = await this.db
      .select({ latest: projects.eventSequence, oldest: oldest.mapWith(toBigInt) })
      .from(projects)
      .where(eq(projects.id, projectId));
    return row && { latest: row.latest, oldest: row.oldest ?? row.latest + 1n };
  }

  async latest(projectIds: readonly ProjectId[]): Promise<ReadonlyMap<ProjectId, bigint>> {
    if (projectIds.length === 0) return new Map();
    const rows = await this.db
      .select({ id: projects.id, latest: projects.eventSequence })
      .from(projects)
      .where(inArray(projects.id, [...projectIds]));
    return new Map(rows.map((row) => [row.id as ProjectId, row.latest]));
  }

  async after(projectId: ProjectId, after: bigint, limit: number): Promise<Event[]> {
    const page = await this.page(and(eq(events.projectId, projectId), gt(events.sequence, after)), limit);
    return [...page.items];
  }

  async list(projectId: ProjectId, filter: EventFilter, page: PageRequest<bigint>): Promise<Page<Event, bigint>> {
    const { kinds, featureSlug, engineerId, since } = filter;
    return this.page(
      and(
        eq(events.projectId, projectId),
        gt(events.sequence, page.after ?? 0n),
        kinds.length === 0 ? undefined : inArray(events.kind, [...kinds]),
        featureSlug === undefined ? undefined : eq(events.featureSlug, featureSlug),
        engineerId === undefined ? undefined : eq(events.engineerId, engineerId),
        since === undefined ? undefined : gte(events.time, since),
      ),
      page.size,
    );
  }

  async firstSince(projectId: ProjectId, since: Date): Promise<bigint | undefined> {
    const [row] = await this.db
      .select({ first: sql<bigint | null>`min(${events.sequence})`.mapWith(toBigInt) })
      .from(events)
      .where(and(eq(events.projectId, projectId), gte(events.time, since)));
    return row?.first ?? undefined;
  }

  private async page(where: SQL | undefined, limit: number): Promise<Page<Event, bigint>> {
    const asked = this.db
      .select()
      .from(events)
      .where(where)
      .orderBy(asc(events.sequence))
      .limit(limit + 1)
      .as("asked");
    // Payloads that the page has no room for are not even read.
    const size = sql`coalesce(${asked.size}, octet_length(${asked.payload}::text))`;
    const counted = this.db
      .select({
        ...asked._.selectedFields,
        before: sql<string>`sum(${size}) over (order by ${asked.sequence} rows unbounded preceding) - ${size}`.as(
          "before",
        ),
        found: sql<number>`(count(*) over ())::int`.as("found"),
      })
      .from(asked)
      .as("counted");
    const rows = await this.db
      .select()
      .from(counted)
      .where(sql`${counted.before} < ${MAX_PAGE_BYTES}`)
      .orderBy(asc(counted.sequence))
      .limit(limit);
    const items = rows.map((row) => ({
      projectId: row.projectId as ProjectId,
      sequence: row.sequence,
      time: row.time,
      actor: row.actor,
      engineerId: (row.engineerId ?? undefined) as EngineerId | undefined,
      sessionId: (row.sessionId ?? undefined) as SessionId | undefined,
      featureSlug: (row.featureSlug ?? undefined) as Slug | undefined,
      payload: row.payload,
    }));
    return { items, next: rows.length < (rows[0]?.found ?? 0) ? items.at(-1)?.sequence : undefined };
  }
}

/** The event log of one transaction: keeps what is appended until `write`. */
export class PostgresEventLog extends PostgresEventReader implements EventLog {
  private readonly appended: NewEvent[] = [];

  append(...added: readonly NewEvent[]): void {
    this.appended.push(...added);
  }

  /**
   * Writes what was appended; the last thing before COMMIT. Answers the last sequence of each project concerned.
   *
   * @throws ResourceNotFoundError when a project was deleted meanwhile
   */
  async write(): Promise<ReadonlyMap<ProjectId, bigint>> {
    const written = new Map<ProjectId, bigint>();
    // By id, so that two transactions that write to several projects don't wait for each other.
    const projectIds = [...new Set(this.appended.map((event) => event.projectId))].sort();
    for (const projectId of projectIds) {
      const latest = await this.writeTo(
        projectId,
        this.appended.filter((event) => event.projectId === projectId),
      );
      written.set(projectId, latest);
    }
    return written;
  }

  /** One statement numbers and writes: from the moment that it has the project's row until COMMIT nobody else writes. */
  private async writeTo(projectId: ProjectId, added: readonly NewEvent[]): Promise<bigint> {
    const count = added.length;
    const rows = await this.db.execute<{ latest: string }>(sql`
      with numbered as (
        update ${projects} set event_sequence = event_sequence + ${count}::bigint where id = ${projectId}
        returning event_sequence - ${count}::bigint as base
      ), written as (
        insert into ${events}
          (project_id, sequence, time, actor, engineer_id, session_id, feature_slug, kind, payload, size)
        select ${projectId}::uuid, base + position, time, actor, engineer_id, session_id, feature_slug, payload->>'kind',
          payload, octet_length(payload::text)
        from numbered, jsonb_to_recordset(${toJson(added)}::text::jsonb) as added (
          position bigint, time timestamptz, actor text, engineer_id uuid, session_id uuid, feature_slug text, payload jsonb
        )
      )
      select base + ${count}::bigint as latest from numbered`);
    const [row] = [...rows];
    if (row === undefined) throw new ResourceNotFoundError("project", projectId);
    return BigInt(row.latest);
  }
}

function toJson(added: readonly NewEvent[]): string {
  const rows = added.map(({ time, actor, engineerId, sessionId, featureSlug, payload }, index) => ({
    position: index + 1,
    time,
    actor,
    engineer_id: engineerId,
    session_id: sessionId,
    feature_slug: featureSlug,
    payload,
  }));
  // Dates turn themselves into ISO 8601.
  return JSON.stringify(rows, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

function toBigInt(value: string): bigint {
  return BigInt(value);
}
