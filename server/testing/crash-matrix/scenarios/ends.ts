import { randomUUID } from "node:crypto";
import { FeatureStatus, InterruptionCause } from "@nexus/gen/nexus/v1/feature_pb";
import type { Failpoint } from "../../../domain/failpoint.ts";
import { type Act, type Cell, must, type Scenario } from "../cell.ts";
import { complete } from "./common.ts";
import { prepareFeatures } from "./picks.ts";

export const END_STEPS: readonly Failpoint[] = [
  "end.before-commit",
  "end.in-commit",
  "end.after-commit",
  "end.after-free",
  "end.before-answer",
];

export const RELEASE_PATHS_STEPS: readonly Failpoint[] = [
  "release-paths.before-commit",
  "release-paths.in-commit",
  "release-paths.after-commit",
  "release-paths.after-retain",
  "release-paths.before-answer",
];

const HOW = {
  completeFeature: FeatureStatus.DONE,
  releaseFeature: FeatureStatus.READY,
  cancelFeature: FeatureStatus.CANCELLED,
};

/** An end of `login` by its holder; answered with `status <status>`. */
export function endOfLogin(
  cell: Cell,
  method: keyof typeof HOW,
  sessionId: string,
  fencingToken: bigint,
): Pick<Act, "call"> {
  const request = { projectId: cell.projectId, slug: "login", sessionId, fencingToken, requestId: randomUUID() };
  return {
    async call(server, options) {
      const { feature } = await (await cell.ana(server)).features[method](request, options);
      return `status ${FeatureStatus[feature?.status ?? 0]}`;
    },
  };
}

function endByHolder(name: string, method: keyof typeof HOW): Scenario {
  return {
    name,
    steps: END_STEPS,
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      const token = await cell.hold("login", me);
      return {
        ...endOfLogin(cell, method, me, token),
        async check(answer) {
          must(answer === `status ${FeatureStatus[HOW[method]]}`, `${name} is answered ${answer}`);
          const { status, interruption } = await cell.feature("login");
          must(status === HOW[method] && interruption === undefined, `the feature is ${FeatureStatus[status]} then`);
          const late = await complete(cell, me, token);
          must(late === "refused FENCING_TOKEN_STALE", `a second end is answered ${late}`);
          await cell.mustBeFree("other");
        },
      };
    },
  };
}

/** Gives back b/*.t of `login`; answered with what is still held. */
export function releaseOfPaths(cell: Cell, sessionId: string, fencingToken: bigint): Pick<Act, "call"> {
  const { projectId } = cell;
  const request = { projectId, slug: "login", sessionId, fencingToken, paths: ["b/*.t"], requestId: randomUUID() };
  return {
    async call(server, options) {
      const { claims } = await (await cell.ana(server)).claims.releasePaths(request, options);
      return `holds ${claims.flatMap((claim) => claim.touches.map((touch) => touch.path))}`;
    },
  };
}

export const ends: readonly Scenario[] = [
  endByHolder("done", "completeFeature"),
  endByHolder("release", "releaseFeature"),
  endByHolder("cancel", "cancelFeature"),
  {
    name: "cancel by an owner",
    steps: ["cancel.before-commit", "cancel.in-commit", "cancel.after-commit", "cancel.after-drain"],
    async prepare(cell) {
      await prepareFeatures(cell);
      const { projectId } = cell;
      const me = await cell.session();
      const token = await cell.hold("login", me);
      const request = { projectId, slug: "login", requestId: randomUUID() };
      return {
        async call(server, options) {
          const { feature } = await (await cell.ana(server)).features.cancelFeature(request, options);
          return `status ${FeatureStatus[feature?.status ?? 0]}`;
        },
        async check(answer) {
          must(answer === "status CANCELLED", `it is answered ${answer}`);
          must((await cell.feature("login")).status === FeatureStatus.CANCELLED, "the feature is not cancelled");
          const late = await complete(cell, me, token);
          must(late === "refused FENCING_TOKEN_STALE", `the holder's done is answered ${late}`);
          await cell.mustBeFree("other");
        },
      };
    },
  },
  {
    name: "forced release",
    steps: [
      "force-release.before-commit",
      "force-release.in-commit",
      "force-release.after-commit",
      "force-release.after-drain",
    ],
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      const token = await cell.hold("login", me);
      const request = { projectId: cell.projectId, slug: "login", reason: "test", requestId: randomUUID() };
      return {
        async call(server, options) {
          const { formerHolder } = await (await cell.ana(server)).claims.forceReleaseClaim(request, options);
          return `from ${formerHolder?.sessionId}`;
        },
        async check(answer) {
          must(answer === `from ${me}`, `it is answered ${answer}`);
          const { status, interruption } = await cell.feature("login");
          const surfaced = interruption?.cause === InterruptionCause.FORCED_RELEASE;
          must(status === FeatureStatus.READY && surfaced, "the feature is not ready with an interruption");
          const late = await complete(cell, me, token);
          must(late === "refused FENCING_TOKEN_STALE", `the holder's done is answered ${late}`);
          await cell.mustBeFree("other");
          await cell.mustBeFree("login");
        },
      };
    },
  },
  {
    name: "ReleasePaths",
    steps: RELEASE_PATHS_STEPS,
    async prepare(cell) {
      await prepareFeatures(cell);
      await cell.ready("fourth", "b/a.t");
      const me = await cell.session();
      const token = await cell.hold("login", me);
      return {
        ...releaseOfPaths(cell, me, token),
        async check(answer) {
          must(answer === "holds a/b", `it is answered ${answer}`);
          await cell.mustBeFree("fourth");
          await cell.mustBeRefused("other", "CLAIM_CONFLICT");
          must((await complete(cell, me, token)) === "done", "the holder can't complete what it holds");
          await cell.mustBeFree("other");
        },
      };
    },
  },
];
