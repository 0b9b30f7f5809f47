import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { PROVISIONAL_DEADLINE_MS } from "../../../domain/claims/claim-store.ts";
import type { Failpoint } from "../../../domain/failpoint.ts";
import { type Act, type Action, type Cell, isLost, must, type Scenario } from "../cell.ts";
import { complete } from "./common.ts";
import { endOfLogin, releaseOfPaths } from "./ends.ts";
import { pickOfLogin, prepareFeatures } from "./picks.ts";
import { SHORT_LEASE_MS } from "./sessions.ts";

const SETTLE_STEPS: readonly Failpoint[] = ["settle.before-void", "settle.after-void", "settle.after-free"];
/** Nobody waits for the reconciler's answer. */
const WITHOUT_CALLER: readonly Action[] = ["kill", "throw", "delay"];

const reconciling: Pick<Act, "call"> = {
  async call(server) {
    await server.reconcile();
    return "reconciled";
  },
};

/** Lets a call go as far as this step, where the store does not answer any more. */
async function breakOffAt(cell: Cell, step: Failpoint, { call }: Pick<Act, "call">): Promise<void> {
  const server = await cell.site.armed();
  await server.arm(step, "throw");
  await call(server, {}).then(
    () => must(false, `the call was not broken off at ${step}`),
    (error: unknown) => {
      if (!isLost(error)) throw error;
    },
  );
  must(await server.fired(step), `the call did not come as far as ${step}`);
}

function pickThatIsSettled(name: string, at: Failpoint): Scenario {
  return {
    name,
    steps: SETTLE_STEPS,
    leads: [[at, "throw"]],
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      return {
        ...pickOfLogin(cell, me),
        async check(answer) {
          const token = BigInt(answer.split(" ")[2] ?? 0);
          await cell.mustBeRefused("other", "CLAIM_CONFLICT");
          must((await complete(cell, me, token)) === "done", `what is answered ${answer} can't be completed`);
          await cell.mustBeFree("other");
        },
      };
    },
  };
}

function rebuild(name: string, steps: readonly Failpoint[], more: (cell: Cell) => Promise<void>): Scenario {
  return {
    name,
    steps,
    async prepare(cell) {
      await prepareFeatures(cell);
      await cell.ready("apart", "a/a");
      await more(cell);
      const [me, rival] = [await cell.session(), await cell.session()];
      const token = await cell.hold("login", me);
      await (await cell.site.armed()).forget(cell.projectId);
      const request = { projectId: cell.projectId, slug: "apart", sessionId: rival, requestId: randomUUID() };
      return {
        async call(server, options) {
          const { claim } = await (await cell.ana(server)).features.pickFeature(request, options);
          return `token ${claim?.fencingToken}`;
        },
        async check(answer) {
          must(answer.startsWith("token ") && BigInt(answer.slice(6)) > token, `the pick is answered ${answer}`);
          await cell.mustBeRefused("other", "CLAIM_CONFLICT");
          must((await complete(cell, me, token)) === "done", "what was held before can't be completed");
          await cell.mustBeFree("other");
        },
      };
    },
  };
}

export const recovery: readonly Scenario[] = [
  pickThatIsSettled("pick whose commit failed", "pick.in-commit"),
  pickThatIsSettled("pick whose commit was not answered", "pick.after-commit"),
  {
    name: "reconciling a pick that was given up",
    steps: SETTLE_STEPS,
    // Each waits for the deadline of a provisional claim.
    actions: ["kill", "throw"],
    async prepare(cell) {
      await prepareFeatures(cell);
      await breakOffAt(cell, "pick.after-claim", pickOfLogin(cell, await cell.session()));
      await pause(PROVISIONAL_DEADLINE_MS + 100);
      return {
        ...reconciling,
        async check() {
          must((await cell.feature("login")).status === FeatureStatus.READY, "the feature is not ready");
          await cell.mustBeFree("login");
        },
      };
    },
  },
  {
    name: "expiry of a session with a pick that was given up",
    steps: ["end-session.after-commit", "end-session.after-lease"],
    actions: ["kill", "throw"],
    leaseMs: SHORT_LEASE_MS,
    async prepare(cell) {
      await prepareFeatures(cell);
      await breakOffAt(cell, "pick.after-claim", pickOfLogin(cell, await cell.session()));
      await pause(SHORT_LEASE_MS + 50);
      await cell.leaseMs(60_000);
      return { ...reconciling, check: () => cell.mustBeFree("login") };
    },
  },
  {
    name: "reconciling the outbox",
    steps: ["reconcile.before-look", "reconcile.after-look", "reconcile.after-outbox"],
    actions: WITHOUT_CALLER,
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      await breakOffAt(cell, "end.after-commit", endOfLogin(cell, "completeFeature", me, await cell.hold("login", me)));
      return { ...reconciling, check: () => cell.mustBeFree("other") };
    },
  },
  {
    name: "reconciling released paths",
    steps: ["reconcile.after-retain"],
    actions: WITHOUT_CALLER,
    async prepare(cell) {
      await prepareFeatures(cell);
      await cell.ready("fourth", "b/a.t");
      const me = await cell.session();
      await breakOffAt(cell, "release-paths.after-commit", releaseOfPaths(cell, me, await cell.hold("login", me)));
      return {
        ...reconciling,
        async check() {
          await cell.mustBeFree("fourth");
          await cell.mustBeRefused("other", "CLAIM_CONFLICT");
        },
      };
    },
  },
  {
    name: "reconciling what drains",
    steps: ["reconcile.after-drain"],
    actions: WITHOUT_CALLER,
    async prepare(cell) {
      await prepareFeatures(cell);
      await cell.hold("login", await cell.session());
      const { claims } = await cell.ana();
      await claims.forceReleaseClaim({ projectId: cell.projectId, slug: "login", reason: "test" });
      return { ...reconciling, check: () => cell.mustBeFree("other") };
    },
  },
  {
    name: "reconciling what has drained",
    steps: ["reconcile.after-drained"],
    actions: WITHOUT_CALLER,
    async prepare(cell) {
      await prepareFeatures(cell);
      await cell.hold("login", await cell.session());
      const { claims } = await cell.ana();
      await claims.forceReleaseClaim({ projectId: cell.projectId, slug: "login", reason: "test" });
      await pause(400);
      return { ...reconciling, check: () => cell.mustBeFree("login") };
    },
  },
  rebuild(
    "rebuild",
    [
      "rebuild.before-epoch",
      "rebuild.after-epoch",
      "rebuild.after-begin",
      "rebuild.after-sessions",
      "rebuild.before-ready",
      "rebuild.after-ready",
      "rebuild.before-answer",
    ],
    async () => {},
  ),
  rebuild("rebuild while paths drain", ["rebuild.before-ready", "rebuild.after-ready"], async (cell) => {
    await cell.ready("forced", "b/b");
    await cell.hold("forced", await cell.session());
    const { claims } = await cell.ana();
    await claims.forceReleaseClaim({ projectId: cell.projectId, slug: "forced", reason: "test" });
  }),
];
