import type { Caller } from "../caller.ts";
import type { NexusError } from "../errors.ts";
import type { ProjectId, SessionId, Slug } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import { requireOwnSession, sessionExpired } from "../sessions/require-session.ts";
import type { FeatureDeps } from "./deps.ts";
import { FencingTokenStaleError } from "./feature-errors.ts";
import { requireFeature } from "./require-feature.ts";

/** A hold as its holder names it. */
export interface NamedHold {
  readonly projectId: ProjectId;
  readonly slug: Slug;
  readonly sessionId: SessionId;
  /** The token of the feature's pick. */
  readonly fencingToken: bigint;
}

/** Tokens are `epoch·2³² + counter` with an epoch of at most 21 bits; nothing greater was ever given. */
export const MAX_FENCING_TOKEN = 2n ** 53n - 1n;

/** Rolls a transaction back: the feature is not held like that. */
export class NotHeld extends Error {}

/** The project of a hold that the caller claims to have; whether it still has it is for the transaction to find out. */
export async function projectOfHold(deps: FeatureDeps, caller: Caller, hold: NamedHold): Promise<Project> {
  const { project } = await requireMember(deps.database.read, hold.projectId, caller.engineerId);
  await requireOwnSession(deps.database.read, hold.projectId, hold.sessionId, caller.engineerId);
  return project;
}

/** What its late holder is told of a hold that is no more. */
export async function whyNotHeld(
  deps: FeatureDeps,
  hold: Pick<NamedHold, "projectId" | "slug" | "sessionId">,
): Promise<NexusError> {
  const { read } = deps.database;
  const session = await read.sessions.get(hold.projectId, hold.sessionId);
  if (session !== undefined && session.state !== "open") return sessionExpired(read, session);
  const feature = await requireFeature(read, hold.projectId, hold.slug);
  return new FencingTokenStaleError(feature.slug, feature.status);
}
