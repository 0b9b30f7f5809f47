import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import type { CheckpointId, ProjectId, SessionId, Slug } from "../../domain/ids.ts";
import type { Checkpoint, CheckpointStore } from "../../domain/sessions/checkpoint.ts";
import type { Queryable } from "./connect.ts";
import { checkpoints, features } from "./schema/index.ts";

const COLUMNS = {
  id: checkpoints.id,
  projectId: checkpoints.projectId,
  sessionId: checkpoints.sessionId,
  featureSlug: checkpoints.featureSlug,
  context: checkpoints.context,
  data: checkpoints.data,
  branch: checkpoints.branch,
  commit: checkpoints.commit,
  // As JSON: the driver does not know arrays, and drizzle drops their backslashes.
  changedPaths: sql<string[]>`to_json(${checkpoints.changedPaths})`,
  fencingToken: checkpoints.fencingToken,
  heldTouches: checkpoints.heldTouches,
  createTime: checkpoints.createTime,
};

/** Checkpoints in PostgreSQL. */
export class PostgresCheckpointStore implements CheckpointStore {
  constructor(private readonly db: Queryable) {}

  async insert(checkpoint: Checkpoint): Promise<void> {
    const { featureSlug = "", changedPaths } = checkpoint;
    await this.db.insert(checkpoints).values({ ...checkpoint, featureSlug, changedPaths: [...changedPaths] });
  }

  async get(projectId: ProjectId, id: CheckpointId): Promise<Checkpoint | undefined> {
    return this.first(and(eq(checkpoints.projectId, projectId), eq(checkpoints.id, id)));
  }

  async countOfSession(sessionId: SessionId): Promise<number> {
    return this.db.$count(checkpoints, eq(checkpoints.sessionId, sessionId));
  }

  async latest(
    projectId: ProjectId,
    { sessionId, featureSlug }: Parameters<CheckpointStore["latest"]>[1],
  ): Promise<Checkpoint | undefined> {
    return this.first(
      and(
        eq(checkpoints.projectId, projectId),
        sessionId && eq(checkpoints.sessionId, sessionId),
        featureSlug && eq(checkpoints.featureSlug, featureSlug),
      ),
    );
  }

  async latestOfHold(sessionId: SessionId): Promise<CheckpointId | undefined> {
    const [row] = await this.db
      .select({ id: checkpoints.id })
      .from(checkpoints)
      .innerJoin(
        features,
        and(
          eq(features.projectId, checkpoints.projectId),
          eq(features.slug, checkpoints.featureSlug),
          eq(features.sessionId, checkpoints.sessionId),
          sql`${features.status} = 'active'`,
        ),
      )
      .where(eq(checkpoints.sessionId, sessionId))
      .orderBy(desc(checkpoints.ordinal))
      .limit(1);
    return row?.id as CheckpointId | undefined;
  }

  private async first(where: SQL | undefined): Promise<Checkpoint | undefined> {
    const [row] = await this.db
      .select(COLUMNS)
      .from(checkpoints)
      .where(where)
      .orderBy(desc(checkpoints.ordinal))
      .limit(1);
    return (
      row && {
        ...row,
        id: row.id as CheckpointId,
        projectId: row.projectId as ProjectId,
        sessionId: row.sessionId as SessionId,
        featureSlug: row.featureSlug === "" ? undefined : (row.featureSlug as Slug),
      }
    );
  }
}
