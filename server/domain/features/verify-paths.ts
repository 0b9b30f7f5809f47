import type { Caller } from "../caller.ts";
import type { BlockedTouch } from "../claims/claim-store.ts";
import { TouchTooBroadError } from "../errors.ts";
import type { ProjectId } from "../ids.ts";
import { type FilePath, filePathToPattern } from "../paths/path.ts";
import type { Pattern } from "../paths/pattern.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Holder } from "./feature.ts";
import { MAX_FENCING_TOKEN } from "./held-feature.ts";
import { holdersOf } from "./holders.ts";

/** Paths that are compared in one step of the claim store. */
const BATCH = 250;

/** How a changed path stands. */
export interface VerifiedPath {
  readonly path: FilePath;
  readonly verdict: "covered" | "unclaimed" | "held-by-other";
  /** Who else holds it. */
  readonly holder: Holder | undefined;
}

/**
 * Which of these changed files the claim of that token covers, its extensions included, which nobody holds, and which
 * somebody else holds. Changes nothing.
 */
export async function verifyPaths(
  deps: FeatureDeps,
  caller: Caller,
  projectId: ProjectId,
  fencingToken: bigint,
  paths: readonly FilePath[],
): Promise<{ readonly live: boolean; readonly paths: readonly VerifiedPath[] }> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  // Postgres is the fence: a claim that has ended there does not hold, though its paths may not be free yet.
  const own =
    fencingToken > MAX_FENCING_TOKEN ? undefined : await deps.database.read.claims.findHeld(projectId, fencingToken);
  const hits = await holdersOfFiles(deps, project, paths);
  const isOwn = ({ claim }: BlockedTouch) =>
    claim.featureId === own?.featureId && claim.sessionId === own.sessionId && claim.state === "held";
  const foreign = hits.map((all) => all.find((hit) => !isOwn(hit)));
  const holders = await holdersOf(
    deps.database.read,
    foreign.flatMap((hit) => hit?.claim ?? []),
  );
  return {
    live: own !== undefined,
    paths: paths.map((path, index) => {
      if (hits[index]?.some(isOwn)) return { path, verdict: "covered", holder: undefined };
      const other = foreign[index];
      if (other === undefined) return { path, verdict: "unclaimed", holder: undefined };
      return { path, verdict: "held-by-other", holder: holders.get(other.claim) };
    }),
  };
}

/** For each file every claim that covers it. */
async function holdersOfFiles(
  deps: FeatureDeps,
  project: Project,
  paths: readonly FilePath[],
): Promise<BlockedTouch[][]> {
  const hits: BlockedTouch[][] = paths.map(() => []);
  for (let start = 0; start < paths.length; start += BATCH) {
    const patterns = paths.slice(start, start + BATCH).map((path) => fileOnly(path, project.settings.caseSensitive));
    const { outcome } = await deps.claims.run(project, (store, scope) => store.check(scope, patterns));
    if (outcome.kind === "too-broad") throw new TouchTooBroadError(paths[start + outcome.touch] ?? "");
    for (const hit of outcome.held) hits[start + hit.touch]?.push(hit);
  }
  return hits;
}

/** The file itself and nothing below it: whoever holds only something below it does not cover it. */
function fileOnly(path: FilePath, caseSensitive: boolean): Pattern {
  const { text, alternatives } = filePathToPattern(path, { caseSensitive });
  return { text, alternatives: alternatives.map(({ segments }) => ({ segments, tree: false })) };
}
