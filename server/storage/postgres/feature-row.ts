import { type Feature, LANES, type Lane } from "../../domain/features/feature.ts";
import type { ClaimId, EngineerId, FeatureId, ProjectId, SessionId, Slug } from "../../domain/ids.ts";
import type { features } from "./schema/index.ts";

/** A feature as it is read: its own row, what it depends on, and who holds it. */
export interface FeatureRow {
  readonly feature: Omit<typeof features.$inferSelect, "search">;
  readonly dependsOn: Slug[];
  readonly engineerId: string | null;
  readonly engineerName: string | null;
  readonly agent: string | null;
}

/** The feature of a row. */
export function featureFromRow({ feature: row, dependsOn, engineerId, engineerName, agent }: FeatureRow): Feature {
  const { sessionId, claimId, acquireTime } = row;
  const { interruption: stored } = row;
  const interruption = stored === null ? undefined : { ...stored, time: new Date(stored.time) };
  const held = row.status === "active" && sessionId !== null && claimId !== null && acquireTime !== null;
  return {
    id: row.id as FeatureId,
    projectId: row.projectId as ProjectId,
    slug: row.slug as Slug,
    title: row.title,
    spec: row.spec,
    status: row.status,
    lane: laneFrom(row.lane),
    position: row.position,
    touches: row.touches,
    revision: row.revision,
    dependsOn,
    version: row.version,
    createTime: row.createTime,
    updateTime: row.updateTime,
    readyTime: row.readyTime ?? undefined,
    doneTime: row.doneTime ?? undefined,
    hold: held
      ? {
          sessionId: sessionId as SessionId,
          claimId: claimId as ClaimId,
          fencingToken: row.fencingToken,
          acquireTime,
          engineerId: engineerId as EngineerId,
          engineerName: engineerName ?? "",
          agent: agent ?? "",
          resumes: interruption,
        }
      : undefined,
    interruption: held ? undefined : interruption,
    landing: row.landingBranch === null ? undefined : { branch: row.landingBranch, commit: row.landingCommit ?? "" },
    mergedTime: row.mergedTime ?? undefined,
    passedOver: row.passedOver,
    passedOverSince: row.passedOverSince ?? undefined,
  };
}

/** Lanes are kept as 1 to 4, so that they sort. */
export function laneNumber(lane: Lane): number {
  return LANES.indexOf(lane) + 1;
}

/** The lane of such a number. */
export function laneFrom(number: number): Lane {
  return LANES[number - 1] ?? "icebox";
}
