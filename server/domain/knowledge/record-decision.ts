import type { Caller } from "../caller.ts";
import type { Stores } from "../database.ts";
import { ResourceNotFoundError } from "../errors.ts";
import { by } from "../events/event.ts";
import type { FeatureDeps } from "../features/deps.ts";
import { requireFeature } from "../features/require-feature.ts";
import type { DecisionId, ProjectId, SessionId, Slug } from "../ids.ts";
import { authorOf, writeDown } from "./author.ts";
import type { Decision, DecisionContent } from "./knowledge.ts";
import { SupersessionCycleError } from "./supersession-cycle-error.ts";

/** What was decided, for what. */
export interface NewDecision extends DecisionContent {
  readonly projectId: ProjectId;
  /** The feature it concerns; undefined for the project. */
  readonly featureSlug: Slug | undefined;
  readonly sessionId: SessionId | undefined;
  /** Earlier decisions of the project that it takes the place of. */
  readonly supersedes: readonly DecisionId[];
}

/**
 * Records a decision, and with it that it supersedes others. A decision is superseded once: so what supersedes what has
 * no cycle and no fork, and each line has one decision in force.
 *
 * @throws ResourceNotFoundError when a feature, session or superseded decision is not of this project
 * @throws SupersessionCycleError when one is superseded already; nothing was recorded
 */
export async function recordDecision(deps: FeatureDeps, caller: Caller, decision: NewDecision): Promise<Decision> {
  const { projectId, featureSlug, sessionId, supersedes, ...content } = decision;
  const id = await writeDown(deps, caller, decision, async (tx): Promise<DecisionId> => {
    const { engineerId, engineerName, agent } = await authorOf(tx, caller, projectId, sessionId);
    if (featureSlug !== undefined) await requireFeature(tx, projectId, featureSlug);
    const earlier = await lockInForce(tx, projectId, supersedes);
    const id = deps.newId() as DecisionId;
    const createTime = deps.clock.now();
    const said = { ...content, id, supersedes: earlier, engineerName, agent, createTime };
    const payload = { kind: "decision", decision: said } as const;
    tx.events.append({ ...by(caller), projectId, featureSlug, sessionId, time: createTime, payload });
    await tx.decisions.insert({ ...content, id, projectId, featureSlug, engineerId, agent, createTime });
    await tx.decisions.supersede(earlier, id);
    return id;
  });
  const recorded = await deps.database.read.decisions.get(projectId, id);
  if (recorded === undefined) throw new ResourceNotFoundError("decision", id);
  return recorded;
}

async function lockInForce(tx: Stores, projectId: ProjectId, ids: readonly DecisionId[]): Promise<DecisionId[]> {
  const named = [...new Set(ids)];
  const known = new Map((await tx.decisions.getLocked(projectId, named)).map((decision) => [decision.id, decision]));
  for (const id of named) {
    const decision = known.get(id);
    if (decision === undefined)
      throw new ResourceNotFoundError("decision", id, "'nexus knowledge decisions' shows all");
    if (decision.supersededBy !== undefined) {
      throw new SupersessionCycleError(id, await tx.decisions.inForceInsteadOf(id));
    }
  }
  return named;
}
