import type { Stores } from "../database.ts";
import type { Interruption, InterruptionCause } from "../features/feature.ts";
import type { Session } from "./session.ts";

/** How a session's work breaks off now; read before its hold ends, since the latest checkpoint of that hold is named. */
export async function interruptionOf(
  stores: Pick<Stores, "checkpoints">,
  { id: sessionId, engineerName, agent, host, worktree }: Session,
  cause: InterruptionCause,
  time: Date,
): Promise<Interruption> {
  const checkpointId = await stores.checkpoints.latestOfHold(sessionId);
  return { sessionId, engineerName, agent, host, worktree, time, cause, checkpointId };
}
