import { relative } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";

/** How long a test of a property may take: long, when more runs are asked for than usual. */
export const PROPERTY_TIMEOUT_MS = process.env["NEXUS_PROPERTY_RUNS"] === undefined ? 120_000 : 3_600_000;

/**
 * Checks a property of fast-check and prints its seed. A failure carries the command that replays it.
 * `NEXUS_PROPERTY_RUNS` sets how many runs, `NEXUS_PROPERTY_SEED` and `NEXUS_PROPERTY_PATH` replay one that failed.
 *
 * @param runs how many when the environment does not say
 * @throws Error with the smallest counterexample that was found
 */
export async function assertProperty<Values>(property: fc.IRawProperty<Values>, runs: number): Promise<void> {
  const { NEXUS_PROPERTY_RUNS, NEXUS_PROPERTY_SEED, NEXUS_PROPERTY_PATH } = process.env;
  const details = await fc.check(property, {
    numRuns: Number(NEXUS_PROPERTY_RUNS ?? runs),
    // In time to say what failed, though a smaller example might be found.
    interruptAfterTimeLimit: 0.75 * PROPERTY_TIMEOUT_MS,
    markInterruptAsFailure: true,
    ...(NEXUS_PROPERTY_SEED && { seed: Number(NEXUS_PROPERTY_SEED) }),
    ...(NEXUS_PROPERTY_PATH && { path: NEXUS_PROPERTY_PATH }),
  });
  console.info(`${details.numRuns} runs, NEXUS_PROPERTY_SEED=${details.seed}`);
  if (!details.failed) return;
  const { currentTestName = "", testPath = "" } = expect.getState();
  const name = currentTestName.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&");
  const seed = `NEXUS_PROPERTY_SEED=${details.seed} NEXUS_PROPERTY_PATH=${details.counterexamplePath ?? ""}`;
  throw new Error(
    `${await fc.asyncDefaultReportMessage(details)}\n\n` +
      `replay: ${seed} npx vitest run ${relative(process.cwd(), testPath)} -t '^${name.replaceAll("'", "'\\''")}$'`,
    { cause: details.errorInstance },
  );
}
