import type { Caller } from "../caller.ts";
import type { Stores } from "../database.ts";
import { LimitExceededError, type NexusError, RequestInvalidError, ResourceNotFoundError } from "../errors.ts";
import { by } from "../events/event.ts";
import type { CheckpointId, ProjectId, SessionId } from "../ids.ts";
import { requireMember } from "../projects/require-member.ts";
import type { Checkpoint, CheckpointContent } from "../sessions/checkpoint.ts";
import { renewSession } from "../sessions/renew-session.ts";
import { requireOpenSession, requireOwnSession } from "../sessions/require-session.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Feature } from "./feature.ts";
import { FencingTokenStaleError } from "./feature-errors.ts";
import { MAX_FENCING_TOKEN, NotHeld } from "./held-feature.ts";

/** Checkpoints of one session: one every minute for more than a working day. */
const MAX_CHECKPOINTS = 1_000;

/** Whose work a checkpoint is of. */
export interface CheckpointOrigin {
  readonly projectId: ProjectId;
  readonly sessionId: SessionId;
  /** The token that the session believes to hold its feature under; undefined when it does not say. */
  readonly fencingToken: bigint | undefined;
}

/**
 * Saves how far a session has come, stamped with what it holds at that moment. Repeating it under the same request id
 * answers the same checkpoint.
 *
 * @throws SessionExpiredError when the session has ended, FencingTokenStaleError when it holds no feature under the
 *   token that it names, LimitExceededError; nothing was saved
 */
export async function saveCheckpoint(
  deps: FeatureDeps,
  caller: Caller,
  origin: CheckpointOrigin,
  content: CheckpointContent,
): Promise<Checkpoint> {
  const { read } = deps.database;
  const { projectId, sessionId } = origin;
  const { project } = await requireMember(read, projectId, caller.engineerId);
  await requireOwnSession(read, projectId, sessionId, caller.engineerId);
  // Beside each other: saving rests on the session's record, not on its lease.
  const [id] = await Promise.all([save(deps, caller, origin, content), renewSession(deps, project, sessionId)]);
  const checkpoint = await read.checkpoints.get(projectId, id);
  if (checkpoint === undefined) throw new ResourceNotFoundError("checkpoint", id);
  return checkpoint;
}

async function save(
  deps: FeatureDeps,
  caller: Caller,
  origin: CheckpointOrigin,
  content: CheckpointContent,
): Promise<CheckpointId> {
  const { projectId, sessionId, fencingToken } = origin;
  try {
    return await deps.database.mutate(caller.request, async (tx) => {
      if (!(await tx.sessions.lockOpen(sessionId))) throw new NotHeld();
      const feature = await lockHeld(tx, origin);
      if (fencingToken !== undefined && feature?.hold.fencingToken !== fencingToken) throw new NotHeld();
      if ((await tx.checkpoints.countOfSession(sessionId)) >= MAX_CHECKPOINTS) {
        throw new LimitExceededError("checkpoints of one session", MAX_CHECKPOINTS, "go on in another session");
      }
      const claims = feature === undefined ? [] : await tx.claims.listHeldOfFeature(feature.id);
      const inOrder = claims.toSorted((a, b) => (a.fencingToken < b.fencingToken ? -1 : 1));
      const id = deps.newId() as CheckpointId;
      const stamp = {
        id,
        fencingToken: feature?.hold.fencingToken ?? 0n,
        heldTouches: inOrder.flatMap((claim) => claim.touches),
        createTime: deps.clock.now(),
      };
      await tx.checkpoints.insert({ ...content, ...stamp, projectId, sessionId, featureSlug: feature?.slug });
      const { branch, commit, changedPaths } = content;
      const payload = { kind: "checkpoint", checkpoint: { ...stamp, branch, commit, changedPaths } } as const;
      const time = stamp.createTime;
      tx.events.append({ ...by(caller), projectId, sessionId, featureSlug: feature?.slug, time, payload });
      return id;
    });
  } catch (error) {
    if (error instanceof NotHeld) throw await whyNotSaved(deps, caller, origin);
    throw error;
  }
}

type HeldFeature = Feature & { readonly hold: NonNullable<Feature["hold"]> };

/** The feature that the session holds, locked, so that nobody else has it before the checkpoint is there. */
async function lockHeld(tx: Stores, { projectId, sessionId }: CheckpointOrigin): Promise<HeldFeature | undefined> {
  const active = await tx.features.activeOfSession(sessionId);
  const feature = active && (await tx.features.getLocked(projectId, active.slug));
  return feature?.hold?.sessionId === sessionId ? (feature as HeldFeature) : undefined;
}

async function whyNotSaved(
  { database: { read } }: FeatureDeps,
  caller: Caller,
  { projectId, sessionId, fencingToken = 0n }: CheckpointOrigin,
): Promise<NexusError> {
  await requireOpenSession(read, projectId, sessionId, caller.engineerId);
  const given = fencingToken > MAX_FENCING_TOKEN ? undefined : await read.claims.featureOf(projectId, fencingToken);
  const [feature] = given === undefined ? [] : await read.features.getMany([given]);
  const about = feature ?? (await read.features.activeOfSession(sessionId));
  if (about !== undefined) return new FencingTokenStaleError(about.slug, about.status);
  const description = "belongs to no pick of this project; leave it out, or give the one that the pick answered";
  return new RequestInvalidError([{ field: "fencing_token", description }]);
}

/**
 * The latest checkpoint of a session, of a feature, or of a feature by a session, whoever's in the project.
 *
 * @throws ResourceNotFoundError also when there is no such session or feature
 */
export async function getLatestCheckpoint(
  { database: { read } }: Pick<FeatureDeps, "database">,
  caller: Caller,
  projectId: ProjectId,
  of: Parameters<Stores["checkpoints"]["latest"]>[1],
): Promise<Checkpoint> {
  await requireMember(read, projectId, caller.engineerId);
  const latest = await read.checkpoints.latest(projectId, of);
  if (latest === undefined) {
    const hint = "none was saved; 'nexus save' does, and 'nexus feature show' has the feature";
    throw new ResourceNotFoundError("checkpoint", `of ${of.featureSlug ?? of.sessionId}`, hint);
  }
  return latest;
}
