import type { Caller } from "../caller.ts";
import { checkAlternatives } from "../claims/compile-touches.ts";
import type { Database } from "../database.ts";
import type { ProjectId, Slug } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import { requireMember } from "../projects/require-member.ts";
import { featuresTouching } from "./features-touching.ts";
import type { Found, FoundKey, KnowledgeQuery } from "./knowledge-store.ts";

/** Features whose touches are compared with the asked paths, the latest first. */
const MAX_FEATURES = 5_000;

/** What a caller looks for. */
export interface KnowledgeSearch extends Omit<KnowledgeQuery, "featureSlugs"> {
  readonly projectId: ProjectId;
  readonly featureSlug: Slug | undefined;
  /** In normal form: of features that touch any of these. None lets everything through. */
  readonly paths: readonly string[];
}

/**
 * Searches what is known in a project, the best match first; without words, the newest first.
 *
 * @throws LimitExceededError when the paths are too many alternatives together
 */
export async function searchKnowledge(
  { database: { read } }: { readonly database: Database },
  caller: Caller,
  search: KnowledgeSearch,
  page: PageRequest<FoundKey>,
): Promise<Page<Found, FoundKey>> {
  const { projectId, featureSlug, paths, ...query } = search;
  const { project } = await requireMember(read, projectId, caller.engineerId);
  let featureSlugs = featureSlug === undefined ? undefined : [featureSlug];
  if (paths.length > 0) {
    checkAlternatives(paths.map((path) => ({ path })));
    const features = await read.knowledge.listTouching(projectId, MAX_FEATURES);
    const among = featureSlug === undefined ? features : features.filter(({ slug }) => slug === featureSlug);
    featureSlugs = featuresTouching(paths, among, project.settings.caseSensitive);
  }
  if (featureSlugs?.length === 0) return { items: [], next: undefined };
  return read.knowledge.search(projectId, { ...query, featureSlugs }, page);
}
