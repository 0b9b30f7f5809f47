import type { Caller } from "../caller.ts";
import type { ListedClaim } from "../claims/claim-store.ts";
import type { Database } from "../database.ts";
import type { Feature } from "../features/feature.ts";
import type { FeatureCounts } from "../features/feature-store.ts";
import type { FeatureId, ProjectId, Slug } from "../ids.ts";
import type { ClaimAccess } from "../recovery/claim-access.ts";
import type { SessionView } from "../sessions/session.ts";
import { viewSessions } from "../sessions/use-session.ts";
import type { Project } from "./project.ts";
import { requireMember } from "./require-member.ts";

/** Interrupted features that a status shows. */
const MAX_INTERRUPTED = 50;

/** A live session and what it holds. */
export interface ActiveSession {
  readonly view: SessionView;
  readonly claims: readonly ListedClaim[];
}

/** A project at a glance. */
export interface ProjectStatus {
  readonly project: Project;
  readonly counts: FeatureCounts;
  /** The longest open first. */
  readonly sessions: readonly ActiveSession[];
  readonly interrupted: readonly Feature[];
  /** The names of the features that are held. */
  readonly slugs: ReadonlyMap<FeatureId, Slug>;
}

/** Features by status and lane, live sessions and what they hold, and work that broke off. */
export async function getProjectStatus(
  deps: { readonly database: Database; readonly claims: ClaimAccess },
  caller: Caller,
  projectId: ProjectId,
): Promise<ProjectStatus> {
  const { read } = deps.database;
  const { project } = await requireMember(read, projectId, caller.engineerId);
  const [counts, open, interrupted, { outcome }] = await Promise.all([
    read.features.count(projectId),
    read.sessions.listAllOpen(projectId),
    read.features.listInterrupted(projectId, MAX_INTERRUPTED),
    deps.claims.run(project, (store, scope) => store.list(scope)),
  ]);
  const [views, features] = await Promise.all([
    viewSessions(deps.claims, project, open),
    read.features.getMany([...new Set(outcome.claims.map((claim) => claim.featureId))]),
  ]);
  return {
    project,
    counts,
    sessions: views.map((view) => ({
      view,
      claims: outcome.claims.filter((claim) => claim.sessionId === view.session.id),
    })),
    interrupted,
    slugs: new Map(features.map((feature) => [feature.id, feature.slug])),
  };
}
