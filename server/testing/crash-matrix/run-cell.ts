import { setTimeout as pause } from "node:timers/promises";
import type { Failpoint } from "../../domain/failpoint.ts";
import { deviationsAfter } from "../audit-stores.ts";
import type { ObedientServer } from "../start-testing-server.ts";
import {
  type Act,
  type Action,
  answerOf,
  BOUND_MS,
  Cell,
  type CrashSite,
  DELAY_MS,
  isLost,
  must,
  type Scenario,
} from "./cell.ts";

/** One run: what was made to happen where, and what came of it. */
export interface CellResult {
  readonly scenario: string;
  readonly step: Failpoint;
  readonly action: Action;
  /** Whether the step was reached. */
  readonly fired: boolean;
  /** What is wrong; undefined when every invariant holds. */
  readonly complaint: string | undefined;
  readonly ms: number;
}

/** A caller who meets a delay gives up after this, and asks again elsewhere. */
const PATIENCE_MS = 500;
const RETRY_MS = 30;

/**
 * Lets one thing go wrong at one step of one call, repeats the call as a client does, and looks whether the invariants
 * of CLAIMS section 6 hold: the repetition is answered the same (12), what it answered is so (13), both stores agree
 * within 15 s (1, 9, 10, 11), and the paths can be used by whoever may (19).
 *
 * @param retryAt where the client repeats its call first
 */
export async function runCell(
  site: CrashSite,
  scenario: Scenario,
  step: Failpoint,
  action: Action,
  retryAt: "armed" | "other",
): Promise<CellResult> {
  const start = performance.now();
  let fired = false;
  let complaint: string | undefined;
  let cell: Cell | undefined;
  try {
    cell = await Cell.open(site, scenario.leaseMs);
    const act = await scenario.prepare(cell);
    const first = await site.armed();
    for (const [lead, how] of scenario.leads ?? []) await first.arm(lead, how);
    await first.arm(step, action === "delay" ? DELAY_MS : action);

    const answer = await insist(site, act, first, action, retryAt);
    // Until whatever was delayed has gone on.
    if (action === "delay") await pause(DELAY_MS);
    fired = await first.fired(step);
    await (await site.armed()).disarm();
    must(fired, "the step was not reached");

    await mustAgree(cell);
    for (const server of [await site.armed(), await site.other()]) {
      const again = await answerOf(() => act.call(server, {}));
      must(again === (act.again ?? answer), `answered ${answer} first, then ${again}`);
    }
    await act.check(answer);
    await mustAgree(cell);
  } catch (error) {
    complaint = error instanceof Error ? error.message : String(error);
  }
  await cell?.close().catch((error: unknown) => {
    complaint ??= `the project could not be deleted: ${error}`;
  });
  return { scenario: scenario.name, step, action, fired, complaint, ms: performance.now() - start };
}

/** Makes the call until it is answered, as a client does: with the same request id, at one server or another. */
async function insist(
  site: CrashSite,
  act: Act,
  first: ObedientServer,
  action: Action,
  retryAt: "armed" | "other",
): Promise<string> {
  const end = performance.now() + BOUND_MS;
  const meanwhile = Promise.resolve(act.meanwhile?.(first));
  meanwhile.catch(() => {});
  for (let attempt = 0; ; attempt++) {
    const elsewhere = attempt % 2 === (retryAt === "other" ? 1 : 0);
    const server = attempt === 0 ? first : await (elsewhere ? site.other() : site.armed());
    const patienceMs = attempt === 0 && action === "delay" ? PATIENCE_MS : BOUND_MS;
    try {
      const answer = await answerOf(() => act.call(server, { signal: AbortSignal.timeout(patienceMs) }));
      await meanwhile;
      return answer;
    } catch (error) {
      if (!isLost(error) || performance.now() > end) throw error;
    }
    await meanwhile;
    await pause(RETRY_MS);
  }
}

/** Both stores, as every server sees them, with the reconciler of any at work. */
async function mustAgree({ site, projectId }: Cell): Promise<void> {
  const deviations = await deviationsAfter(
    BOUND_MS,
    async () => [...(await (await site.other()).audit(projectId)), ...(await (await site.armed()).audit(projectId))],
    async () => {
      await (await site.other()).reconcile();
      await pause(RETRY_MS);
    },
  );
  must(deviations.length === 0, deviations.map((deviation) => deviation.description).join("; "));
}
