import type { Caller } from "../caller.ts";
import { checkAlternatives, compileStored } from "../claims/compile-touches.ts";
import { TouchTooBroadError } from "../errors.ts";
import type { ProjectId, SessionId } from "../ids.ts";
import { requireMember } from "../projects/require-member.ts";
import { renewSession } from "../sessions/renew-session.ts";
import { requireOpenSession } from "../sessions/require-session.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Holder } from "./feature.ts";
import { holdersOf } from "./holders.ts";

/** Who holds an asked path, if anybody does. */
export interface CheckedPath {
  readonly path: string;
  readonly heldPath: string | undefined;
  readonly holder: Holder | undefined;
}

/**
 * Who holds each of these paths; of several holders the one that came first. Claims nothing.
 *
 * @param paths in normal form
 * @param sessionId the caller's session, whose own claims are passed over and whose lease is renewed
 */
export async function checkPaths(
  deps: FeatureDeps,
  caller: Caller,
  projectId: ProjectId,
  paths: readonly string[],
  sessionId: SessionId | undefined,
): Promise<CheckedPath[]> {
  const { read } = deps.database;
  const { project } = await requireMember(read, projectId, caller.engineerId);
  if (sessionId !== undefined) {
    await requireOpenSession(read, projectId, sessionId, caller.engineerId);
    await renewSession(deps, project, sessionId);
  }
  checkAlternatives(paths.map((path) => ({ path })));
  const patterns = paths.map((path) => compileStored(path, project.settings.caseSensitive));
  const { outcome } = await deps.claims.run(project, (store, scope) => store.check(scope, patterns));
  if (outcome.kind === "too-broad") throw new TouchTooBroadError(paths[outcome.touch] ?? "");
  const foreign = outcome.held.filter((hit) => hit.claim.sessionId !== sessionId);
  const holders = await holdersOf(
    read,
    foreign.map((hit) => hit.claim),
  );
  return paths.map((path, index) => {
    const [first] = foreign
      .filter((hit) => hit.touch === index)
      .sort((a, b) => (a.claim.fencingToken < b.claim.fencingToken ? -1 : 1));
    return { path, heldPath: first?.heldPath, holder: first && holders.get(first.claim) };
  });
}
