import { and, desc, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { EngineerId, ProjectId, Slug } from "../../domain/ids.ts";
import type { Learning, LearningId } from "../../domain/knowledge/knowledge.ts";
import type { Concern, Concerning, LearningStore, OrdinalKey } from "../../domain/knowledge/knowledge-store.ts";
import { type Page, type PageRequest, pageOf } from "../../domain/page.ts";
import type { Queryable } from "./connect.ts";
import { engineers, learnings } from "./schema/index.ts";

const COLUMNS = {
  ordinal: learnings.ordinal,
  id: learnings.id,
  projectId: learnings.projectId,
  featureSlug: learnings.featureSlug,
  text: learnings.text,
  engineerId: learnings.engineerId,
  engineerName: engineers.name,
  agent: learnings.agent,
  createTime: learnings.createTime,
};

/** Learnings in PostgreSQL. */
export class PostgresLearningStore implements LearningStore {
  constructor(private readonly db: Queryable) {}

  async insert(learning: Omit<Learning, "engineerName">): Promise<void> {
    await this.db.insert(learnings).values({ ...learning, featureSlug: learning.featureSlug ?? "" });
  }

  async get(projectId: ProjectId, id: LearningId): Promise<Learning | undefined> {
    const [row] = await this.select(and(eq(learnings.projectId, projectId), eq(learnings.id, id)));
    return row && learningFromRow(row);
  }

  async list(
    projectId: ProjectId,
    featureSlug: Slug | undefined,
    { size, after }: PageRequest<OrdinalKey>,
  ): Promise<Page<Learning, OrdinalKey>> {
    const rows = await this.select(
      and(
        eq(learnings.projectId, projectId),
        featureSlug && eq(learnings.featureSlug, featureSlug),
        after === undefined ? undefined : lt(learnings.ordinal, after),
      ),
    )
      .orderBy(desc(learnings.ordinal))
      .limit(size + 1);
    const { items, next } = pageOf(rows, size, (row) => row.ordinal);
    return { items: items.map(learningFromRow), next };
  }

  async listConcerning(projectId: ProjectId, concern: Concern, limit: number): Promise<Concerning<Learning>> {
    const where = and(eq(learnings.projectId, projectId), concerns(learnings.featureSlug, concern));
    const [rows, total] = await Promise.all([
      this.select(where)
        .orderBy(desc(nearness(learnings.featureSlug, concern)), desc(learnings.ordinal))
        .limit(limit),
      this.db.$count(learnings, where),
    ]);
    return { items: rows.map(learningFromRow), total };
  }

  private select(where: SQL | undefined) {
    return this.db
      .select(COLUMNS)
      .from(learnings)
      .innerJoin(engineers, eq(engineers.id, learnings.engineerId))
      .where(where)
      .$dynamic();
  }
}

/** Whether something of that feature concerns somebody. */
export function concerns(slug: PgColumn, { featureSlug, sharing }: Concern): SQL {
  return inArray(slug, [featureSlug, ...sharing, ""]);
}

/** How near it is to them: the feature itself before others, those before the project. */
export function nearness(slug: PgColumn, { featureSlug }: Concern): SQL {
  return sql`case ${slug} when ${featureSlug} then 2 when '' then 0 else 1 end`;
}

type LearningRow = Awaited<ReturnType<PostgresLearningStore["select"]>>[number];

function learningFromRow({ ordinal: _, ...row }: LearningRow): Learning {
  return {
    ...row,
    id: row.id as LearningId,
    projectId: row.projectId as ProjectId,
    featureSlug: row.featureSlug === "" ? undefined : (row.featureSlug as Slug),
    engineerId: row.engineerId as EngineerId,
  };
}
