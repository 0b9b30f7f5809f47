import { setTimeout as pause } from "node:timers/promises";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import type { Failpoint } from "../../../domain/failpoint.ts";
import { type Act, type Cell, must, type Scenario } from "../cell.ts";
import { heartbeat, reached } from "./common.ts";
import { END_STEPS, endOfLogin, RELEASE_PATHS_STEPS, releaseOfPaths } from "./ends.ts";
import { EXTEND_STEPS, extensionOfLogin, PICK_STEPS, pickOfLogin, prepareFeatures } from "./picks.ts";

/** Shorter than a delay (cell.ts), so that a delayed call goes on when its session has expired. */
const LEASE_MS = 500;

/**
 * A server stands still in the middle of a call until the session's lease has run out and another server has said so;
 * then it goes on. What was committed before the end stays, nothing else happens, and the session is not revived.
 */
function outlived(
  name: string,
  steps: readonly Failpoint[],
  begin: (cell: Cell, sessionId: string) => Promise<Pick<Act, "call">>,
): Scenario[] {
  return steps.map((step) => ({
    name: `${name} that outlives its session`,
    steps: [step],
    actions: ["delay"],
    leaseMs: LEASE_MS,
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      return {
        ...(await begin(cell, me)),
        async meanwhile(first) {
          await reached(first, step);
          await pause(LEASE_MS + 50);
          await (await cell.site.other()).reconcile();
          await cell.leaseMs(60_000);
        },
        async check(answer) {
          must((await heartbeat(cell, me)) === "refused SESSION_EXPIRED", "the session is alive again");
          const { status } = await cell.feature("login");
          if (answer === "status DONE") {
            must(status === FeatureStatus.DONE, `it was done, and is ${FeatureStatus[status]}`);
          } else {
            // Paths may have been given back before the end.
            must(
              answer === "refused SESSION_EXPIRED" || answer.startsWith("holds"),
              `the late call is answered ${answer}`,
            );
            must(status === FeatureStatus.READY, `the feature is ${FeatureStatus[status]}`);
          }
          await cell.mustBeFree("other");
          await cell.mustBeFree("third");
        },
      };
    },
  }));
}

export const outlives: readonly Scenario[] = [
  ...outlived("pick", PICK_STEPS, async (cell, me) => pickOfLogin(cell, me)),
  ...outlived("take-over", PICK_STEPS, async (cell, me) =>
    pickOfLogin(cell, me, await cell.hold("login", await cell.session())),
  ),
  ...outlived("extend", EXTEND_STEPS, async (cell, me) => extensionOfLogin(cell, me, await cell.hold("login", me))),
  ...outlived("done", END_STEPS, async (cell, me) =>
    endOfLogin(cell, "completeFeature", me, await cell.hold("login", me)),
  ),
  ...outlived("ReleasePaths", RELEASE_PATHS_STEPS, async (cell, me) =>
    releaseOfPaths(cell, me, await cell.hold("login", me)),
  ),
];
