import type { Caller } from "../caller.ts";
import type { Database } from "../database.ts";
import { requireFeature } from "../features/require-feature.ts";
import type { ProjectId, Slug } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import { requireMember } from "../projects/require-member.ts";
import type { Decision, Learning } from "./knowledge.ts";
import type { OrdinalKey } from "./knowledge-store.ts";

interface Deps {
  readonly database: Database;
}

/** The learnings of a project, or of one feature, the newest first. */
export async function listLearnings(
  { database: { read } }: Deps,
  caller: Caller,
  { projectId, featureSlug }: { readonly projectId: ProjectId; readonly featureSlug: Slug | undefined },
  page: PageRequest<OrdinalKey>,
): Promise<Page<Learning, OrdinalKey>> {
  await requireMember(read, projectId, caller.engineerId);
  if (featureSlug !== undefined) await requireFeature(read, projectId, featureSlug);
  return read.learnings.list(projectId, featureSlug, page);
}

/** The decisions of a project, or of one feature, the newest first: those in force, or all. */
export async function listDecisions(
  { database: { read } }: Deps,
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
): Promise<Page<Decision, OrdinalKey>> {
  await requireMember(read, projectId, caller.engineerId);
  if (filter.featureSlug !== undefined) await requireFeature(read, projectId, filter.featureSlug);
  return read.decisions.list(projectId, filter, page);
}
