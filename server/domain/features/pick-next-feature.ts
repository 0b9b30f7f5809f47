import type { Caller } from "../caller.ts";
import { NexusError, ResourceNotFoundError, TouchTooBroadError } from "../errors.ts";
import type { FeatureId, ProjectId, SessionId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import { expireSession } from "../recovery/expire-session.ts";
import { orLater } from "../recovery/or-later.ts";
import { requireOpenSession } from "../sessions/require-session.ts";
import type { Handout } from "./choosing.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import {
  ClaimConflictError,
  DependenciesUnmetError,
  FeatureAlreadyHeldError,
  SessionBusyError,
  StatusTransitionInvalidError,
} from "./feature-errors.ts";
import { nothingAvailable } from "./nothing-available.ts";
import { type PickedFeature, pickInProject, repeatedPick } from "./pick-feature.ts";

/** Candidates that one call tries; each that it loses was taken by somebody, so the calls together get on. */
const MAX_TRIES = 20;
/** Features in one batch. */
export const MAX_BATCH = 100;

interface Asked {
  readonly projectId: ProjectId;
  readonly sessionId: SessionId;
}

/**
 * Takes the first free ready feature for a session: chosen as `choose` says, then picked by the protocol of every pick.
 * A session that holds a feature gets that one again, and so does a repetition under the same request id.
 *
 * @throws NothingAvailableError with what the ready ones wait for
 * @throws SessionExpiredError, ClaimsRecoveringError
 */
export async function pickNextFeature(deps: FeatureDeps, caller: Caller, asked: Asked): Promise<PickedFeature> {
  const { read } = deps.database;
  const { project } = await requireMember(read, asked.projectId, caller.engineerId);
  const earlier = await repeatedPick(deps, caller, project, asked.sessionId);
  if (earlier !== undefined) return earlier;
  const tried = new Set<FeatureId>();
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { featureSlug } = await requireOpenSession(read, project.id, asked.sessionId, caller.engineerId);
    if (featureSlug !== undefined) {
      const held = await unlessLost(pickInProject(deps, caller, project, { ...asked, slug: featureSlug }));
      if (held !== undefined) return held;
      continue;
    }
    const snapshot = await deps.choosing.snapshot(project);
    const handout = deps.choosing.handOut(snapshot, caller.engineerId, tried);
    if (handout === undefined) break;
    tried.add(handout.feature.id);
    try {
      const picked = await pickHandout(deps, caller, project, asked, handout);
      if (picked !== undefined) return picked;
    } finally {
      deps.choosing.end(handout);
    }
  }
  await renewOrExpire(deps, caller, project, asked.sessionId);
  throw await nothingAvailable(deps, await deps.choosing.snapshot(project));
}

/**
 * The sign of life that a refused choice is: nothing else has asked the claim store whether the session lives.
 *
 * @throws SessionExpiredError when it has lapsed
 */
async function renewOrExpire(deps: FeatureDeps, caller: Caller, project: Project, sessionId: SessionId): Promise<void> {
  const { outcome, epoch } = await deps.claims.run(project, (store, scope) =>
    store.heartbeat(scope, sessionId, project.settings.sessionTtlMs),
  );
  if (outcome.kind === "alive") return;
  await expireSession(deps, { ...project, epoch }, sessionId);
  await requireOpenSession(deps.database.read, project.id, sessionId, caller.engineerId);
}

/** Picks what was handed out, and counts whom that passes over; undefined when somebody else was faster. */
async function pickHandout(
  deps: FeatureDeps,
  caller: Caller,
  project: Project,
  asked: Asked,
  { feature, passedOver }: Handout,
): Promise<PickedFeature | undefined> {
  const picked = await unlessLost(pickInProject(deps, caller, project, { ...asked, slug: feature.slug, chosen: true }));
  // A pass that is not counted because the database went away is forgotten; the pick stands.
  if (picked?.view.feature.id === feature.id) {
    await orLater(() => deps.database.read.choosing.countPasses(passedOver, deps.clock.now()));
  }
  return picked;
}

/** Undefined where what was chosen turned out to be somebody else's, or no longer to be had. */
async function unlessLost(pick: Promise<PickedFeature>): Promise<PickedFeature | undefined> {
  try {
    return await pick;
  } catch (error) {
    if (error instanceof NexusError && isLost(error)) return undefined;
    throw error;
  }
}

function isLost(refusal: NexusError): boolean {
  return (
    refusal instanceof ClaimConflictError ||
    refusal instanceof FeatureAlreadyHeldError ||
    refusal instanceof StatusTransitionInvalidError ||
    refusal instanceof DependenciesUnmetError ||
    refusal instanceof TouchTooBroadError ||
    refusal instanceof SessionBusyError ||
    (refusal instanceof ResourceNotFoundError && refusal.resourceType === "feature")
  );
}

/**
 * Up to so many features that could be picked now and that overlap none of each other, in the order in which they would
 * be chosen. Picks none of them and reserves none.
 *
 * @throws NothingAvailableError when there is none
 */
export async function chooseBatch(
  deps: FeatureDeps,
  caller: Caller,
  asked: { readonly projectId: ProjectId; readonly sessionId: SessionId | undefined },
  count: number,
): Promise<Feature[]> {
  const { read } = deps.database;
  const { project } = await requireMember(read, asked.projectId, caller.engineerId);
  const { projectId, sessionId } = asked;
  if (sessionId !== undefined) {
    await requireOpenSession(read, projectId, sessionId, caller.engineerId);
    await renewOrExpire(deps, caller, project, sessionId);
  }
  const snapshot = await deps.choosing.snapshot(project);
  const chosen = deps.choosing.chooseSeveral(snapshot, caller.engineerId, count);
  if (chosen.length === 0) throw await nothingAvailable(deps, snapshot);
  const features = await read.features.getMany(chosen.map(({ id }) => id));
  const byId = new Map(features.map((feature) => [feature.id, feature]));
  return chosen.flatMap(({ id }) => byId.get(id) ?? []);
}
