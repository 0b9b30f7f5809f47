import type { Caller } from "../caller.ts";
import { ResourceNotFoundError } from "../errors.ts";
import { by } from "../events/event.ts";
import type { FeatureDeps } from "../features/deps.ts";
import { requireFeature } from "../features/require-feature.ts";
import type { ProjectId, SessionId, Slug } from "../ids.ts";
import { authorOf, writeDown } from "./author.ts";
import type { Learning, LearningId } from "./knowledge.ts";

/** What was learnt, where. */
export interface NewLearning {
  readonly projectId: ProjectId;
  /** Undefined for the feature that the session holds, or else the project. */
  readonly featureSlug: Slug | undefined;
  readonly sessionId: SessionId | undefined;
  readonly text: string;
}

/**
 * Adds a learning. Repeating it under the same request id answers the same one.
 *
 * @throws ResourceNotFoundError when there is no such feature or session of the caller's, SessionExpiredError when the
 *   session has ended
 */
export async function addLearning(deps: FeatureDeps, caller: Caller, learning: NewLearning): Promise<Learning> {
  const { projectId, sessionId, text } = learning;
  const id = await writeDown(deps, caller, learning, async (tx): Promise<LearningId> => {
    const { engineerId, engineerName, agent, featureSlug: held } = await authorOf(tx, caller, projectId, sessionId);
    if (learning.featureSlug !== undefined) await requireFeature(tx, projectId, learning.featureSlug);
    const featureSlug = learning.featureSlug ?? held;
    const id = deps.newId() as LearningId;
    const time = deps.clock.now();
    await tx.learnings.insert({ id, projectId, featureSlug, text, engineerId, agent, createTime: time });
    const payload = { kind: "learning", learning: { id, text, engineerName, agent, createTime: time } } as const;
    tx.events.append({ ...by(caller), projectId, featureSlug, sessionId, time, payload });
    return id;
  });
  const added = await deps.database.read.learnings.get(projectId, id);
  if (added === undefined) throw new ResourceNotFoundError("learning", id);
  return added;
}
