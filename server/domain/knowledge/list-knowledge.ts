import type { Caller } from "../caller.ts";
import type { Database } from "../database.ts";
import { eventCursorOf } from "../events/read-events.ts";
import { requireFeature } from "../features/require-feature.ts";
import type { ProjectId, Slug } from "../ids.ts";
import type { CursorPage, PageRequest } from "../page.ts";
import { requireMember } from "../projects/require-member.ts";
import type { Decision, Learning } from "./knowledge.ts";
import type { OrdinalKey } from "./knowledge-store.ts";

interface Deps {
  readonly database: Database;
}

/**
 * The learnings of a project, or of one feature, the newest first.
 *
 * @throws ResourceNotFoundError when there is no such feature, and nothing is known of one that was deleted either
 */
export async function listLearnings(
  { database }: Deps,
  caller: Caller,
  { projectId, featureSlug }: { readonly projectId: ProjectId; readonly featureSlug: Slug | undefined },
  page: PageRequest<OrdinalKey>,
): Promise<CursorPage<Learning, OrdinalKey>> {
  await requireMember(database.read, projectId, caller.engineerId);
  const learnings = await database.snapshot(async (read) => ({
    ...(await read.learnings.list(projectId, featureSlug, page)),
    eventCursor: await eventCursorOf(read, projectId),
  }));
  const none = learnings.items.length === 0;
  if (none && featureSlug !== undefined) await requireFeature(database.read, projectId, featureSlug);
  return learnings;
}

/**
 * The decisions of a project, or of one feature, the newest first: those in force, or all.
 *
 * @throws ResourceNotFoundError when there is no such feature, and nothing is known of one that was deleted either
 */
export async function listDecisions(
  { database }: Deps,
  caller: Caller,
  {
    projectId,
    ...filter
  }: {
    readonly projectId: ProjectId;
    readonly featureSlug: Slug | undefined;
    readonly includeSuperseded: boolean;
  },
  page: PageRequest<OrdinalKey>,
): Promise<CursorPage<Decision, OrdinalKey>> {
  await requireMember(database.read, projectId, caller.engineerId);
  const decisions = await database.snapshot(async (read) => ({
    ...(await read.decisions.list(projectId, filter, page)),
    eventCursor: await eventCursorOf(read, projectId),
  }));
  const { featureSlug } = filter;
  const none = decisions.items.length === 0;
  if (none && featureSlug !== undefined) await requireFeature(database.read, projectId, featureSlug);
  return decisions;
}
