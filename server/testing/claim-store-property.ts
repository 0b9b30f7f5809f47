import fc from "fast-check";
import { expect, test } from "vitest";
import { action, History, OPENING, toClaimTouch, touches } from "./claim-history.ts";
import { ProjectFixture, type StoreFactory } from "./claim-store-fixture.ts";

const EPOCH = 3;

/**
 * Random histories against the model: every answer has to be the model's. `NEXUS_PROPERTY_RUNS` sets how many,
 * `NEXUS_PROPERTY_SEED` and `NEXUS_PROPERTY_PATH` replay one that failed.
 *
 * @param runs how many when the environment does not say
 * @param file the test file, for the command that replays a failure
 */
export function claimStoreProperties(create: StoreFactory, { runs, file }: { runs: number; file: string }): void {
  test("every answer of every history is that of the model, no two claims overlap, and nothing is left at the end", async () => {
    const under = await create();
    const seen = new Map<string, number>();
    await assertProperty(
      fc.asyncProperty(fc.array(action, { maxLength: 40, size: "max" }), async (history) => {
        const run = await History.begin(await ProjectFixture.create(under, EPOCH), seen);
        for (const each of [...OPENING, ...history]) {
          await run.step(each);
        }
        await run.end();
      }),
      { runs, file },
    );
    console.info(
      [...seen]
        .sort()
        .map(([what, times]) => `${what} ${times}`)
        .join(", "),
    );
  });

  test("whether two claims get along does not depend on which came first", async () => {
    const under = await create();
    await assertProperty(
      fc.asyncProperty(touches, touches, async (one, other) => {
        const project = await ProjectFixture.create(under);
        const kinds = [];
        for (const [first, second] of [
          [one, other],
          [other, one],
        ] as const) {
          const held = await project.hold(...first.map(toClaimTouch));
          const outcome = await project.acquire(held.sessionId, second.map(toClaimTouch));
          kinds.push(outcome.kind);
          await project.store.endSession(project.scope, held.sessionId, 0);
        }
        expect(kinds[0]).toBe(kinds[1]);
      }),
      { runs, file },
    );
  });
}

async function assertProperty<Values>(
  property: fc.IAsyncProperty<Values>,
  { runs, file }: { runs: number; file: string },
): Promise<void> {
  const { NEXUS_PROPERTY_RUNS, NEXUS_PROPERTY_SEED, NEXUS_PROPERTY_PATH } = process.env;
  const details = await fc.check(property, {
    numRuns: Number(NEXUS_PROPERTY_RUNS ?? runs),
    ...(NEXUS_PROPERTY_SEED && { seed: Number(NEXUS_PROPERTY_SEED) }),
    ...(NEXUS_PROPERTY_PATH && { path: NEXUS_PROPERTY_PATH }),
  });
  console.info(`${details.numRuns} runs, NEXUS_PROPERTY_SEED=${details.seed}`);
  if (details.failed) {
    const replay = `NEXUS_PROPERTY_SEED=${details.seed} NEXUS_PROPERTY_PATH=${details.counterexamplePath ?? ""}`;
    const name = expect.getState().currentTestName?.split(" > ").at(-1) ?? "";
    throw new Error(
      `${await fc.asyncDefaultReportMessage(details)}\n\nreplay: ${replay} npx vitest run ${file} -t '${name}'`,
      {
        cause: details.errorInstance,
      },
    );
  }
}
