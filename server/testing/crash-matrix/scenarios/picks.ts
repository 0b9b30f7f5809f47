import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import type { Failpoint } from "../../../domain/failpoint.ts";
import { type Act, answerOf, BOUND_MS, type Cell, must, type Scenario } from "../cell.ts";
import { complete, reached } from "./common.ts";

/** Every step that an undisturbed pick goes through. */
export const PICK_STEPS: readonly Failpoint[] = [
  "pick.before-claim",
  "pick.after-claim",
  "pick.in-commit",
  "pick.after-commit",
  "pick.before-confirm",
  "pick.after-confirm",
  "pick.before-answer",
];

/** Every step that an undisturbed extension goes through. */
export const EXTEND_STEPS: readonly Failpoint[] = [
  "extend.before-claim",
  "extend.after-claim",
  "extend.in-commit",
  "extend.after-commit",
  "extend.before-confirm",
  "extend.before-answer",
];

/** A pick of `login`, which `other` overlaps; answered with `claim <id> <token>`. */
export function pickOfLogin(cell: Cell, sessionId: string, takeOver?: bigint): Pick<Act, "call"> {
  const { projectId } = cell;
  const requestId = randomUUID();
  const request = { projectId, slug: "login", sessionId, requestId, ...(takeOver !== undefined && { takeOver }) };
  return {
    async call(server, options) {
      const { claim } = await (await cell.ana(server)).features.pickFeature(request, options);
      return `claim ${claim?.id} ${claim?.fencingToken}`;
    },
  };
}

/** An extension of `login` by b/a, which `third` touches; answered with `claim <id>`. */
export function extensionOfLogin(cell: Cell, sessionId: string, fencingToken: bigint): Pick<Act, "call"> {
  const { projectId } = cell;
  const requestId = randomUUID();
  const request = { projectId, slug: "login", sessionId, fencingToken, touches: [{ path: "b/a" }], requestId };
  return {
    async call(server, options) {
      const { claim } = await (await cell.ana(server)).claims.extendClaim(request, options);
      return `claim ${claim?.id}`;
    },
  };
}

/** `login`, and what overlaps it, with and without its extension. */
export async function prepareFeatures(cell: Cell): Promise<void> {
  await Promise.all([cell.ready("login", "a/b", "b/*.t"), cell.ready("other", "a/b/a.t"), cell.ready("third", "b/a")]);
}

/** The session holds `login` under the token of that answer, and nobody else can have it until it is done. */
async function mustHold(cell: Cell, sessionId: string, answer: string): Promise<void> {
  const token = /^claim \S+ (\d+)$/.exec(answer)?.[1];
  must(token !== undefined, `the pick is answered ${answer}`);
  const { status, holder } = await cell.feature("login");
  must(status === FeatureStatus.ACTIVE && holder?.sessionId === sessionId, "the picked feature is not held");
  await cell.mustBeRefused("other", "CLAIM_CONFLICT");
  must((await complete(cell, sessionId, BigInt(token))) === "done", "the holder can't complete what it holds");
  await cell.mustBeFree("other");
}

/** That of the pick and one extension, as soon as what broken-off attempts left is past its deadline. */
async function mustHaveTwoClaims(cell: Cell, sessionId: string): Promise<void> {
  const { projectId } = cell;
  let count = 0;
  for (const end = performance.now() + BOUND_MS; performance.now() < end; await pause(50)) {
    await (await cell.site.other()).reconcile();
    count = (await (await cell.ana()).claims.listMyClaims({ projectId, sessionId })).claims.length;
    if (count === 2) return;
  }
  throw new Error(`the session has ${count} claims, not that of the pick and one extension`);
}

export const picks: readonly Scenario[] = [
  {
    name: "pick",
    steps: PICK_STEPS,
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      return { ...pickOfLogin(cell, me), check: (answer) => mustHold(cell, me, answer) };
    },
  },
  {
    name: "pick of what is changed meanwhile",
    steps: ["pick.before-undo"],
    leads: [["pick.after-claim", 2_000]],
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      return {
        ...pickOfLogin(cell, me),
        async meanwhile(first) {
          await reached(first, "pick.after-claim");
          const { features } = await cell.ana();
          const { projectId } = cell;
          await features.unreadyFeature({ projectId, slug: "login" });
          await features.updateFeature({
            projectId,
            slug: "login",
            feature: { touches: [{ path: "a/b" }, { path: "b/a.t" }] },
            updateMask: { paths: ["touches"] },
          });
          await features.markFeatureReady({ projectId, slug: "login" });
        },
        check: (answer) => mustHold(cell, me, answer),
      };
    },
  },
  {
    name: "take-over",
    steps: PICK_STEPS,
    async prepare(cell) {
      await prepareFeatures(cell);
      const [former, me] = [await cell.session(), await cell.session()];
      const token = await cell.hold("login", former);
      return {
        ...pickOfLogin(cell, me, token),
        async check(answer) {
          const late = await complete(cell, former, token);
          must(late === "refused FENCING_TOKEN_STALE", `the former holder's done is answered ${late}`);
          await mustHold(cell, me, answer);
        },
      };
    },
  },
  {
    name: "extend",
    steps: EXTEND_STEPS,
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      const token = await cell.hold("login", me);
      return {
        ...extensionOfLogin(cell, me, token),
        async check(answer) {
          must(answer.startsWith("claim "), `the extension is answered ${answer}`);
          await mustHaveTwoClaims(cell, me);
          await cell.mustBeRefused("third", "CLAIM_CONFLICT");
          must((await complete(cell, me, token)) === "done", "the holder can't complete what it holds");
          await cell.mustBeFree("third");
        },
      };
    },
  },
  {
    name: "extension of what is given back meanwhile",
    steps: ["extend.before-undo"],
    leads: [["extend.after-claim", 1_000]],
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      const fencingToken = await cell.hold("login", me);
      return {
        ...extensionOfLogin(cell, me, fencingToken),
        async meanwhile(first) {
          await reached(first, "extend.after-claim");
          const { features } = await cell.ana();
          await features.releaseFeature({ projectId: cell.projectId, slug: "login", sessionId: me, fencingToken });
        },
        async check(answer) {
          must(answer === "refused FENCING_TOKEN_STALE", `the extension is answered ${answer}`);
          await cell.mustBeFree("third");
          must((await answerOf(async () => `${await cell.hold("login", me)}`)) !== "", "it can be picked again");
        },
      };
    },
  },
];
