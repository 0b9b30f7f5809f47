import type { Stores } from "../database.ts";
import { PermissionDeniedError, ResourceNotFoundError } from "../errors.ts";
import type { EngineerId, ProjectId } from "../ids.ts";
import type { Project, Role } from "./project.ts";

/** A project with what the caller may do in it. */
export interface Membership {
  readonly project: Project;
  readonly role: Role;
}

/**
 * The project, when the engineer is a member of it.
 *
 * @throws ResourceNotFoundError when there is no such project, or the engineer is no member: the two look alike
 */
export async function requireMember(
  stores: Pick<Stores, "projects">,
  projectId: ProjectId,
  engineerId: EngineerId,
): Promise<Membership> {
  const membership = await stores.projects.get(projectId, engineerId);
  if (membership === undefined) throw new ResourceNotFoundError("project", projectId, LIST_HINT);
  return membership;
}

/**
 * The project, when the engineer is an owner of it.
 *
 * @param what what the engineer was about to do, for the refusal: "only an owner deletes the project"
 * @throws ResourceNotFoundError as requireMember does
 * @throws PermissionDeniedError when the engineer is a member only
 */
export async function requireOwner(
  stores: Pick<Stores, "projects">,
  projectId: ProjectId,
  engineerId: EngineerId,
  what: string,
): Promise<Project> {
  const { project, role } = await requireMember(stores, projectId, engineerId);
  if (role !== "owner") throw new PermissionDeniedError("owner", what);
  return project;
}

/** What to do when a project is not found. */
export const LIST_HINT = "'nexus project list' shows yours";
