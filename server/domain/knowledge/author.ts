import type { Caller } from "../caller.ts";
import type { Stores, Transaction } from "../database.ts";
import type { FeatureDeps } from "../features/deps.ts";
import type { ProjectId, SessionId, Slug } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import { renewSession } from "../sessions/renew-session.ts";
import { requireOpenSession } from "../sessions/require-session.ts";
import type { Author } from "./knowledge.ts";

/** Who calls, with the agent and the feature of their session where they name one. Read inside the mutation. */
export async function authorOf(
  tx: Stores,
  caller: Caller,
  projectId: ProjectId,
  sessionId: SessionId | undefined,
): Promise<Author & { readonly featureSlug: Slug | undefined }> {
  const { engineerId, engineerName } = caller;
  if (sessionId === undefined) return { engineerId, engineerName, agent: "", featureSlug: undefined };
  const { agent, featureSlug } = await requireOpenSession(tx, projectId, sessionId, engineerId);
  return { engineerId, engineerName, agent, featureSlug };
}

/** Writes something down as a member of the project, and renews the session that does. */
export async function writeDown<Id>(
  deps: FeatureDeps,
  caller: Caller,
  { projectId, sessionId }: { readonly projectId: ProjectId; readonly sessionId: SessionId | undefined },
  work: (tx: Transaction) => Promise<Id>,
): Promise<Id> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  const [id] = await Promise.all([
    deps.database.mutate(caller.request, work),
    renewOwn(deps, caller, project, sessionId),
  ]);
  return id;
}

async function renewOwn(deps: FeatureDeps, caller: Caller, project: Project, sessionId: SessionId | undefined) {
  if (sessionId === undefined) return;
  // Somebody else's is not renewed; that it is not the caller's is for the mutation to say.
  const session = await deps.database.read.sessions.get(project.id, sessionId);
  if (session?.engineerId === caller.engineerId) await renewSession(deps, project, sessionId);
}
