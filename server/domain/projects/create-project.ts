import type { Caller } from "../caller.ts";
import { ResourceAlreadyExistsError } from "../errors.ts";
import type { ProjectId, Slug } from "../ids.ts";
import type { ProjectDeps } from "./deps.ts";
import type { Project, ProjectSettings } from "./project.ts";

/** The project to create. */
export interface CreateProjectRequest {
  readonly slug: Slug;
  readonly name: string;
  readonly settings: ProjectSettings;
}

/**
 * Creates a project with the caller as its owner.
 *
 * @throws ResourceAlreadyExistsError when the caller has created one of that slug
 */
export function createProject(
  { database, clock, newId }: Pick<ProjectDeps, "database" | "clock" | "newId">,
  caller: Caller,
  request: CreateProjectRequest,
): Promise<Project> {
  const project: Project = {
    ...request,
    id: newId() as ProjectId,
    creatorId: caller.engineerId,
    version: 1,
    epoch: 1,
    createTime: clock.now(),
  };
  return database.mutate(caller.request, async (tx) => {
    if (!(await tx.projects.insert(project))) throw new ResourceAlreadyExistsError("project", project.slug);
    return project;
  });
}
