import { expect, test } from "vitest";
import { newFolder } from "./testing/new-folder.ts";
import type { History, Operation } from "./testing/soak/history.ts";
import { runSoak, type SoakReport } from "./testing/soak/soak-run.ts";

/** How long faults strike in one round; a longer soak is many rounds, each checked by itself. */
const ROUND_MS = 40_000;
const LONG_ROUND_MS = 60_000;
/** For what comes before and after the faults of a round. */
const OVERHEAD_MS = 300_000;

const minutes = Number(process.env["MINUTES"] || 0);
const firstSeed = Number(process.env["SEED"] || Math.floor(Math.random() * 2 ** 31));
const rounds = Math.max(1, Math.floor((minutes * 60_000) / (LONG_ROUND_MS + 30_000)));
const roundMs = minutes > 0 ? LONG_ROUND_MS : ROUND_MS;

test("through every misfortune claims mean what they say, no work is lost and both stores agree", {
  timeout: rounds * (roundMs + OVERHEAD_MS),
}, async () => {
  for (let round = 0; round < rounds; round++) {
    const folder = await newFolder("soak");
    const report = await runSoak(firstSeed + round, roundMs, folder);
    process.stdout.write(`${summary(report)}\n`);
    expectAllWell(report);
  }
});

function expectAllWell({ seed, projects, increments, defects }: SoakReport): void {
  const why = `SEED=${seed}`;
  expect(defects, why).toEqual([]);
  for (const { history, verdict, planted, violations, deviations, leftovers, eventGaps } of projects) {
    expect(verdict.kind, `${why}\n${"stuck" in verdict ? storyOf(history, verdict.stuck) : ""}`).toBe("linearizable");
    expect(planted.length, why).toBeGreaterThanOrEqual(2);
    for (const lie of planted) expect(lie, why).toMatchObject({ verdict: { kind: "not linearizable" } });
    expect(violations, why).toEqual([]);
    expect(deviations, why).toEqual([]);
    expect(leftovers, why).toEqual([]);
    expect(eventGaps ?? [], why).toEqual([]);
  }
  expect(increments.lost, why).toEqual([]);
  // A run in which nothing happens shows nothing.
  expect(increments.acknowledged, why).toBeGreaterThan(10);
}

/** What is known about the operations that could not happen, and of all that has to do with them. */
function storyOf({ operations }: History, stuck: readonly Operation[]): string {
  const urgent = stuck.toSorted((a, b) => a.return - b.return)[0];
  const names = JSON.stringify([urgent?.call, urgent?.answer], plain).match(/[0-9a-z-]*[0-9a-f]{8}[0-9a-f-]*/g) ?? [];
  return operations
    .toSorted((a, b) => a.invoke - b.invoke)
    .map((operation) => `${operation === urgent ? ">>>" : "   "} ${JSON.stringify(operation, plain)}`)
    .filter((line) => line.startsWith(">>>") || names.some((name) => line.includes(name)))
    .join("\n");
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === "number") return Math.round(value);
  return typeof value === "bigint" ? `${value}` : value;
}

function summary({ seed, faults, projects, increments }: SoakReport): string {
  const lines = [`soak SEED=${seed}: ${faults.length} faults (${tally(faults.map(nameOf))})`];
  for (const { history, verdict, planted, eventGaps } of projects) {
    const answers = tally(history.operations.map(kindOf));
    lines.push(
      `  ${verdict.kind}: ${verdict.operations} operations, ${verdict.states} states (${answers})`,
      `  planted: ${planted.map(({ lie, verdict: { kind, states } }) => `${lie}: ${kind}, ${states} states`).join("; ")}`,
      `  event gaps: ${eventGaps?.length ?? "no event log"}`,
    );
  }
  lines.push(`  ${increments.acknowledged} increments, ${increments.lost.length} counters wrong`);
  return lines.join("\n");
}

function nameOf(fault: SoakReport["faults"][number]): string {
  switch (fault.kind) {
    case "kill redis":
      return `kill redis, data ${fault.data}`;
    case "restart postgres":
      return `restart postgres ${fault.how}`;
    case "half-open":
      return `half-open ${fault.store} ${fault.directions.join("+")}`;
    case "slow":
    case "cut":
      return `${fault.kind} ${fault.store}`;
    default:
      return fault.kind;
  }
}

function kindOf({ call, answer }: Operation): string {
  return answer.kind === "refused" ? `${call.do} ${answer.reason}` : `${call.do} ${answer.kind}`;
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
}
