import type { Caller } from "../caller.ts";
import type { Stores } from "../database.ts";
import { EtagMismatchError, RequestInvalidError, ResourceAlreadyExistsError } from "../errors.ts";
import type { ProjectId, Slug } from "../ids.ts";
import type { ProjectDeps } from "./deps.ts";
import type { Project, ProjectSettings } from "./project.ts";
import { requireOwner } from "./require-member.ts";

/** What to change; what is undefined stays as it is. */
export interface UpdateProjectRequest {
  readonly projectId: ProjectId;
  readonly slug: Slug | undefined;
  readonly name: string | undefined;
  /** `caseSensitive` may only repeat what is. */
  readonly settings: Partial<ProjectSettings>;
  /** Change only if the project still has this etag. */
  readonly etag: string | undefined;
}

/** The etag of a project: changes whenever the project does. */
export function etagOf(project: Project): string {
  return String(project.version);
}

/**
 * Changes a project. What is not in the request keeps the value that it has when the change is made.
 *
 * @throws PermissionDeniedError unless the caller is an owner
 * @throws EtagMismatchError when the project has another etag
 * @throws RequestInvalidError when case_sensitive would change
 * @throws ResourceAlreadyExistsError when the project's creator has another of that slug
 */
export function updateProject(
  { database }: Pick<ProjectDeps, "database">,
  caller: Caller,
  request: UpdateProjectRequest,
): Promise<Project> {
  return database.mutate(caller.request, async (tx) => {
    for (;;) {
      const updated = await tryUpdate(tx, caller, request);
      // Somebody else changed it in between; theirs is done, so this comes to an end.
      if (updated !== undefined) return updated;
    }
  });
}

async function tryUpdate(tx: Stores, caller: Caller, request: UpdateProjectRequest): Promise<Project | undefined> {
  const { projectId, slug, name, settings, etag } = request;
  const project = await requireOwner(tx, projectId, caller.engineerId, "only an owner changes a project");
  if (etag !== undefined && etag !== etagOf(project)) throw new EtagMismatchError(etagOf(project));
  const { caseSensitive } = project.settings;
  if (settings.caseSensitive !== undefined && settings.caseSensitive !== caseSensitive) {
    throw new RequestInvalidError([
      { field: "project.settings.case_sensitive", description: `is fixed at creation; here it is ${caseSensitive}` },
    ]);
  }
  const changes = { slug, name, settings: { ...project.settings, ...settings } };
  const updated = await tx.projects.update(projectId, project.version, changes);
  if (updated === "slug-taken") throw new ResourceAlreadyExistsError("project", slug ?? project.slug);
  return updated;
}
