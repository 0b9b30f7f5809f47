import { and, asc, desc, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { DecisionId, EngineerId, ProjectId, Slug } from "../../domain/ids.ts";
import type { Decision } from "../../domain/knowledge/knowledge.ts";
import type { Concern, Concerning, DecisionStore, OrdinalKey } from "../../domain/knowledge/knowledge-store.ts";
import { type Page, type PageRequest, pageOf } from "../../domain/page.ts";
import type { Queryable } from "./connect.ts";
import { concerns, nearness } from "./learning-store.ts";
import { decisions, engineers } from "./schema/index.ts";

const COLUMNS = {
  ordinal: decisions.ordinal,
  id: decisions.id,
  projectId: decisions.projectId,
  featureSlug: decisions.featureSlug,
  title: decisions.title,
  decision: decisions.decision,
  rationale: decisions.rationale,
  alternatives: decisions.alternatives,
  consequences: decisions.consequences,
  // As JSON: the driver does not know arrays.
  supersedes: sql<DecisionId[]>`to_json(array(
    select earlier.id from decisions earlier where earlier.superseded_by = ${decisions.id} order by earlier.ordinal))`,
  supersededBy: decisions.supersededBy,
  engineerId: decisions.engineerId,
  engineerName: engineers.name,
  agent: decisions.agent,
  createTime: decisions.createTime,
};

/** As the partial index has it. */
const IN_FORCE = sql`${decisions.supersededBy} is null`;

/** Decisions in PostgreSQL. */
export class PostgresDecisionStore implements DecisionStore {
  constructor(private readonly db: Queryable) {}

  async insert(decision: Parameters<DecisionStore["insert"]>[0]): Promise<void> {
    await this.db.insert(decisions).values({ ...decision, featureSlug: decision.featureSlug ?? "" });
  }

  async get(projectId: ProjectId, id: DecisionId): Promise<Decision | undefined> {
    const [row] = await this.select(and(eq(decisions.projectId, projectId), eq(decisions.id, id)));
    return row && decisionFromRow(row);
  }

  async getLocked(projectId: ProjectId, ids: readonly DecisionId[]): Promise<Decision[]> {
    if (ids.length === 0) return [];
    const where = and(eq(decisions.projectId, projectId), inArray(decisions.id, [...ids]));
    // In one order, so that two that supersede the same ones can't wait for each other.
    await this.db.select({ id: decisions.id }).from(decisions).where(where).orderBy(asc(decisions.id)).for("update");
    return (await this.select(where)).map(decisionFromRow);
  }

  async supersede(ids: readonly DecisionId[], by: DecisionId): Promise<void> {
    if (ids.length === 0) return;
    await this.db
      .update(decisions)
      .set({ supersededBy: by })
      .where(inArray(decisions.id, [...ids]));
  }

  async inForceInsteadOf(id: DecisionId): Promise<DecisionId> {
    const [last] = await this.db.execute<{ id: DecisionId }>(sql`
      with recursive line as (
        select id, superseded_by from decisions where id = ${id}
        union all
        select later.id, later.superseded_by from decisions later join line on later.id = line.superseded_by)
      select id from line where superseded_by is null`);
    return last?.id ?? id;
  }

  async list(
    projectId: ProjectId,
    { featureSlug, includeSuperseded }: Parameters<DecisionStore["list"]>[1],
    { size, after }: PageRequest<OrdinalKey>,
  ): Promise<Page<Decision, OrdinalKey>> {
    const rows = await this.select(
      and(
        eq(decisions.projectId, projectId),
        featureSlug && eq(decisions.featureSlug, featureSlug),
        includeSuperseded ? undefined : IN_FORCE,
        after === undefined ? undefined : lt(decisions.ordinal, after),
      ),
    )
      .orderBy(desc(decisions.ordinal))
      .limit(size + 1);
    const { items, next } = pageOf(rows, size, (row) => row.ordinal);
    return { items: items.map(decisionFromRow), next };
  }

  async listConcerning(projectId: ProjectId, concern: Concern, limit: number): Promise<Concerning<Decision>> {
    const where = and(eq(decisions.projectId, projectId), IN_FORCE, concerns(decisions.featureSlug, concern));
    const [rows, total] = await Promise.all([
      this.select(where)
        .orderBy(desc(nearness(decisions.featureSlug, concern)), desc(decisions.ordinal))
        .limit(limit),
      this.db.$count(decisions, where),
    ]);
    return { items: rows.map(decisionFromRow), total };
  }

  private select(where: SQL | undefined) {
    return this.db
      .select(COLUMNS)
      .from(decisions)
      .innerJoin(engineers, eq(engineers.id, decisions.engineerId))
      .where(where)
      .$dynamic();
  }
}

type DecisionRow = Awaited<ReturnType<PostgresDecisionStore["select"]>>[number];

function decisionFromRow({ ordinal: _, ...row }: DecisionRow): Decision {
  return {
    ...row,
    id: row.id as DecisionId,
    projectId: row.projectId as ProjectId,
    featureSlug: row.featureSlug === "" ? undefined : (row.featureSlug as Slug),
    supersededBy: (row.supersededBy ?? undefined) as DecisionId | undefined,
    engineerId: row.engineerId as EngineerId,
  };
}
