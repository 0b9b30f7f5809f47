import { expect, inject, onTestFinished, test, vi } from "vitest";
import type { Failpoint } from "./domain/failpoint.ts";
import { inProcessSite } from "./testing/crash-matrix/in-process-site.ts";
import { formatMatrix, type PlannedCell, planOf, runMatrix } from "./testing/crash-matrix/run-matrix.ts";
import { SCENARIOS } from "./testing/crash-matrix/scenarios.ts";
import { servedSite } from "./testing/crash-matrix/sites.ts";
import { createTestDatabase } from "./testing/test-database.ts";

// As the testing bundle has it.
vi.mock("./domain/failpoint.ts", () => import("./testing/bundle/failpoint.ts"));
vi.mock("./domain/projects/shortest-lease.ts", () => import("./testing/bundle/shortest-lease.ts"));

/** These wait for the deadline of a provisional claim, or are met with real processes below. */
const ELSEWHERE: readonly Failpoint[] = [
  "extend.after-claim",
  "extend.in-commit",
  "extend.before-undo",
  "pick.after-commit",
  "end.after-commit",
  "rebuild.after-begin",
];

/** Half a hundred cells one after the other: 20 s, ten times as long on a machine that does as much besides. */
const SLOW_MACHINE_MS = 300_000;

/** The first cell of each step: `make crash-matrix` runs them all. */
function firstOfEachStep(plan: readonly PlannedCell[]): PlannedCell[] {
  return [...new Map(plan.toReversed().map((cell) => [cell.step, cell])).values()].reverse();
}

test(
  "a store that does not answer at a step: the retry is right and the stores agree",
  async () => {
    const plan = firstOfEachStep(planOf(SCENARIOS, ["throw"])).filter(({ step }) => !ELSEWHERE.includes(step));

    const results = await runMatrix([await inProcessSite("redis")], plan);

    expect(
      results.filter(({ complaint }) => complaint !== undefined),
      formatMatrix(results),
    ).toEqual([]);
  },
  SLOW_MACHINE_MS,
);

test("a server that is killed at a step that matters: the retry is right and the stores agree", async () => {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const salt = "a salt that only tests use";
  const site = await servedSite({ DATABASE_URL: url, REDIS_URL: inject("redisUrl"), API_KEY_SALT: salt });
  onTestFinished(() => site.close());
  const steps: readonly Failpoint[] = ["pick.after-commit", "end.after-commit", "rebuild.after-begin"];
  const plan = firstOfEachStep(planOf(SCENARIOS, ["kill"])).filter(({ step }) => steps.includes(step));

  const results = await runMatrix([site], plan);

  expect(results.map(({ step, complaint }) => [step, complaint])).toEqual(steps.map((step) => [step, undefined]));
});
