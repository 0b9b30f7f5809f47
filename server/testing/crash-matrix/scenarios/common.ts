import { setTimeout as pause } from "node:timers/promises";
import type { Failpoint } from "../../../domain/failpoint.ts";
import type { ObedientServer } from "../../start-testing-server.ts";
import { answerOf, BOUND_MS, type Cell, must } from "../cell.ts";

/** Completes `login`; answers "done", or how that was refused. */
export function complete(cell: Cell, sessionId: string, fencingToken: bigint): Promise<string> {
  return answerOf(async () => {
    const { features } = await cell.ana();
    await features.completeFeature({ projectId: cell.projectId, slug: "login", sessionId, fencingToken });
    return "done";
  });
}

/** Waits until a server has reached the step. */
export async function reached(server: ObedientServer, step: Failpoint): Promise<void> {
  const end = performance.now() + BOUND_MS;
  while (!(await server.fired(step))) {
    must(performance.now() < end, `${step} was not reached`);
    await pause(10);
  }
}

/** What a session's sign of life is answered: "alive", or how it was refused. */
export function heartbeat(cell: Cell, sessionId: string): Promise<string> {
  return answerOf(async () => {
    const { sessions } = await cell.ana();
    await sessions.heartbeatSession({ projectId: cell.projectId, sessionId });
    return "alive";
  });
}
