import fc from "fast-check";
import { expect, test } from "vitest";
import { assertProperty, PROPERTY_TIMEOUT_MS } from "./assert-property.ts";
import { action, History, OPENING, toClaimTouch, touches } from "./claim-history.ts";
import { ProjectFixture, type StoreFactory } from "./claim-store-fixture.ts";

const EPOCH = 3;

/**
 * Random histories against the model: every answer has to be the model's.
 *
 * @param runs how many, as in assertProperty
 */
export function claimStoreProperties(create: StoreFactory, runs: number): void {
  test(
    "every answer of every history is that of the model, no two claims overlap, and nothing is left at the end",
    async () => {
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
        runs,
      );
      console.info(
        [...seen]
          .sort()
          .map(([what, times]) => `${what} ${times}`)
          .join(", "),
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  test(
    "whether two claims get along does not depend on which came first",
    async () => {
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
        runs,
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  test(
    "whoever asks for more, or not to share it, is refused where they would be refused less",
    async () => {
      const under = await create();
      await assertProperty(
        fc.asyncProperty(touches, touches, touches, async (held, asked, more) => {
          const project = await ProjectFixture.create(under);
          await project.hold(...held.map(toClaimTouch));
          const less = await project.acquire(await project.session(), asked.map(toClaimTouch));
          if (less.kind !== "conflict") return;

          const wider = [...asked, ...more].map((each) => toClaimTouch({ ...each, mode: "exclusive" }));
          const refused = await project.acquire(await project.session(), wider);

          if (refused.kind !== "conflict") throw new Error(refused.kind);
          const blocked = new Set(refused.blocked.map(({ touch }) => touch));
          expect(less.blocked.filter(({ touch }) => !blocked.has(touch))).toEqual([]);
        }),
        runs,
      );
    },
    PROPERTY_TIMEOUT_MS,
  );
}
