import type { Caller } from "../caller.ts";
import { RequestInvalidError } from "../errors.ts";
import type { ProjectId } from "../ids.ts";
import type { ProjectDeps } from "./deps.ts";
import { requireOwner } from "./require-member.ts";

/**
 * Deletes a project with everything in it, for good.
 *
 * @param confirmSlug the project's slug, so that no wrong id deletes a project
 * @throws PermissionDeniedError unless the caller is an owner
 * @throws RequestInvalidError when the slug is another
 */
export async function deleteProject(
  { database, forgetClaims }: Pick<ProjectDeps, "database" | "forgetClaims">,
  caller: Caller,
  projectId: ProjectId,
  confirmSlug: string,
): Promise<void> {
  await database.mutate(caller.request, async (tx) => {
    const project = await requireOwner(tx, projectId, caller.engineerId, "only an owner deletes a project");
    if (project.slug !== confirmSlug) {
      const description = `is not the slug of this project, which is ${JSON.stringify(project.slug)}; repeat that to delete it`;
      throw new RequestInvalidError([{ field: "confirm_slug", description }]);
    }
    await tx.projects.delete(projectId);
  });
  await forgetClaims(projectId);
}
