import type { Stores } from "../database.ts";
import { RequestInvalidError, ResourceNotFoundError } from "../errors.ts";
import type { EngineerId, ProjectId, Slug } from "../ids.ts";
import { LIST_HINT, type Membership, requireMember } from "./require-member.ts";

/** How a caller names a project: one of the two. */
export type ProjectName = { readonly id: ProjectId } | { readonly slug: Slug };

/**
 * The project of that id or slug among those that the engineer is a member of.
 *
 * @throws ResourceNotFoundError when there is none
 * @throws RequestInvalidError when several have that slug
 */
export async function findProject(
  stores: Pick<Stores, "projects">,
  name: ProjectName,
  engineerId: EngineerId,
): Promise<Membership> {
  if ("id" in name) return requireMember(stores, name.id, engineerId);
  const found = await stores.projects.findBySlug(name.slug, engineerId);
  const [first] = found;
  if (first === undefined) throw new ResourceNotFoundError("project", name.slug, LIST_HINT);
  if (found.length > 1) {
    const ids = found.map(({ project }) => `${project.id} (${project.name})`).join(", ");
    throw new RequestInvalidError([
      { field: "slug", description: `names ${found.length} of your projects; give project_id instead, one of ${ids}` },
    ]);
  }
  return first;
}
