import type { Failpoint } from "../../domain/failpoint.ts";
import { ACTIONS, type Action, type CrashSite, type Scenario } from "./cell.ts";
import { type CellResult, runCell } from "./run-cell.ts";

/** One cell to run. */
export interface PlannedCell {
  readonly scenario: Scenario;
  readonly step: Failpoint;
  readonly action: Action;
}

/** Every step of every scenario with every action that makes sense there. */
export function planOf(scenarios: readonly Scenario[], actions: readonly Action[] = ACTIONS): PlannedCell[] {
  return scenarios.flatMap((scenario) =>
    scenario.steps.flatMap((step) =>
      actions
        .filter((action) => scenario.actions?.includes(action) ?? true)
        .map((action): PlannedCell => ({ scenario, step, action })),
    ),
  );
}

/** Runs the cells, one after the other at each site; clients repeat their call at this server and the other in turn. */
export async function runMatrix(sites: readonly CrashSite[], plan: readonly PlannedCell[]): Promise<CellResult[]> {
  const results: CellResult[] = [];
  let next = 0;
  await Promise.all(
    sites.map(async (site) => {
      for (let index = next++; index < plan.length; index = next++) {
        const cell = plan[index];
        if (cell === undefined) return;
        results[index] = await runCell(site, cell.scenario, cell.step, cell.action, index % 2 ? "armed" : "other");
      }
    }),
  );
  return results;
}

/** The matrix as text: a line for each step of each scenario, a column for each action, then what is wrong. */
export function formatMatrix(results: readonly CellResult[]): string {
  const rows = new Map<string, Map<Action, CellResult>>();
  for (const result of results) {
    const name = `${result.scenario}\t${result.step}`;
    const row = rows.get(name) ?? new Map<Action, CellResult>();
    rows.set(name, row.set(result.action, result));
  }
  const width = Math.max(...results.flatMap(({ scenario, step }) => [scenario.length, step.length + 2])) + 2;
  const lines: string[] = [];
  let title = "";
  for (const [name, row] of rows) {
    const [scenario = "", step = ""] = name.split("\t");
    if (scenario !== title) lines.push("", scenario.padEnd(width) + ACTIONS.map((action) => action.padEnd(9)).join(""));
    title = scenario;
    lines.push(`  ${step}`.padEnd(width) + ACTIONS.map((action) => cellMark(row.get(action)).padEnd(9)).join(""));
  }
  const wrong = results.filter(({ complaint }) => complaint !== undefined);
  const count = `${results.length} cells, ${results.filter((r) => r.fired).length} fired, ${wrong.length} wrong`;
  return [
    ...lines,
    "",
    count,
    ...wrong.map(({ scenario, step, action, complaint }) => `  ${scenario}, ${step}, ${action}: ${complaint}`),
  ].join("\n");
}

function cellMark(result: CellResult | undefined): string {
  if (result === undefined) return "-";
  if (result.complaint === undefined) return "held";
  return result.fired ? "WRONG" : "UNFIRED";
}
