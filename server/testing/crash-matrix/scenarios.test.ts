import { expect, test } from "vitest";
import { FAILPOINTS } from "../../domain/failpoint.ts";
import { ACTIONS } from "./cell.ts";
import { planOf } from "./run-matrix.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Nobody waits for the reconciler's answer, so there is no caller whose connection could break. */
const reconcilerOnly = FAILPOINTS.filter((step) => /^reconcile\.after-(drain|drained|outbox|retain)$/.test(step));

test("the crash matrix meets every step with every action that makes sense there", () => {
  const planned = new Set(planOf(SCENARIOS).map(({ step, action }) => `${step} ${action}`));

  const missing = FAILPOINTS.flatMap((step) => ACTIONS.map((action) => `${step} ${action}`)).filter(
    (cell) => !planned.has(cell),
  );

  expect(missing).toEqual(reconcilerOnly.map((step) => `${step} drop`));
});
