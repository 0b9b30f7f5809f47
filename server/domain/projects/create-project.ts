import type { Caller } from "../caller.ts";
import type { Stores } from "../database.ts";
import { ResourceAlreadyExistsError } from "../errors.ts";
import { by } from "../events/event.ts";
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
    const payload = { kind: "member", change: "added", email: await emailOf(tx, caller), role: "owner" } as const;
    tx.events.append({ ...by(caller), projectId: project.id, time: project.createTime, payload });
    return project;
  });
}

async function emailOf(tx: Stores, { engineerId }: Caller): Promise<string> {
  return (await tx.engineers.get(engineerId))?.email ?? "";
}
