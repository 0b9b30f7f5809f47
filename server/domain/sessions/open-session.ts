import type { Caller } from "../caller.ts";
import { ClaimsRecoveringError, LimitExceededError, ResourceNotFoundError } from "../errors.ts";
import { by } from "../events/event.ts";
import { failpoint } from "../failpoint.ts";
import type { ProjectId, SessionId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { requireMember } from "../projects/require-member.ts";
import { endSession, expireSession } from "../recovery/expire-session.ts";
import type { SessionDeps } from "./deps.ts";
import type { Session, SessionView } from "./session.ts";

/** Open sessions that an engineer may have in one project. */
export const MAX_OPEN_SESSIONS = 200;
/** How often opening starts again when another call opens the same session at the same time. */
const MAX_ATTEMPTS = 5;

/** Who starts to work. */
export interface SessionOpening {
  readonly projectId: ProjectId;
  /** What the agent calls this session; empty for one of its own. */
  readonly clientSessionId: string;
  readonly agent: string;
  readonly host: string;
  readonly worktree: string;
  readonly branch: string;
}

/**
 * Opens a session, or answers the one that is open under this client_session_id. One whose lease has lapsed is ended
 * for good, and another opened.
 *
 * @throws LimitExceededError when the engineer has too many open
 */
export async function openSession(deps: SessionDeps, caller: Caller, opening: SessionOpening): Promise<SessionView> {
  const { read } = deps.database;
  const { project } = await requireMember(read, opening.projectId, caller.engineerId);
  const earlier = await deps.database.recorded<SessionId>(caller.request);
  if (earlier !== undefined) return answerAgain(deps, project, earlier);
  const clientSessionId = opening.clientSessionId || `one-off:${deps.newId()}`;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const open = await read.sessions.findOpen(project.id, caller.engineerId, clientSessionId);
    const view =
      open === undefined
        ? await openNew(deps, caller, project, { ...opening, clientSessionId })
        : await takeUp(deps, project, open);
    if (view !== undefined) return view;
  }
  throw new ClaimsRecoveringError();
}

/** The session that this very request opened before, ended or not. */
async function answerAgain(deps: SessionDeps, project: Project, id: SessionId): Promise<SessionView> {
  const session = await deps.database.read.sessions.get(project.id, id);
  if (session === undefined) throw new ResourceNotFoundError("session", id);
  const view = session.state === "open" ? await takeUp(deps, project, session) : undefined;
  return view ?? endedView((await deps.database.read.sessions.get(project.id, id)) ?? session);
}

/** Renews an open session; undefined when it turned out to have lapsed, and was ended. */
async function takeUp(deps: SessionDeps, project: Project, session: Session): Promise<SessionView | undefined> {
  const { outcome, epoch } = await deps.claims.run(project, (store, scope) =>
    store.heartbeat(scope, session.id, project.settings.sessionTtlMs),
  );
  if (outcome.kind === "alive") return { session, ...leaseUntil(outcome.expireTime, project) };
  await expireSession(deps, { ...project, epoch }, session.id);
  return undefined;
}

/**
 * The lease first, then the record: a lease without a record lapses by itself, a record without a lease would look like
 * a session that has died. Undefined when another call opened the same session in between.
 */
async function openNew(
  deps: SessionDeps,
  caller: Caller,
  project: Project,
  opening: SessionOpening,
): Promise<SessionView | undefined> {
  const { sessions } = deps.database.read;
  if ((await sessions.countOpen(project.id, caller.engineerId)) >= MAX_OPEN_SESSIONS) {
    throw new LimitExceededError("open sessions of one engineer in a project", MAX_OPEN_SESSIONS, "close some first");
  }
  const id = deps.newId() as SessionId;
  await failpoint("open-session.before-lease");
  const { outcome, epoch } = await deps.claims.run(project, (store, scope) =>
    store.openSession(scope, id, project.settings.sessionTtlMs),
  );
  if (outcome.kind !== "alive") return undefined;
  await failpoint("open-session.after-lease");
  const record = { ...opening, id, engineerId: caller.engineerId, openTime: deps.clock.now() };
  const recorded = await deps.database
    .mutate(caller.request, async (tx) => {
      // A lease from an earlier epoch was wiped by a rebuild that could not know of it: then no record must stand.
      const stands = (await tx.sessions.insert(record)) && (await tx.projects.lockEpoch(project.id, epoch));
      if (!stands) throw new SessionNotOpened();
      const payload = { kind: "session", state: "open", agent: record.agent } as const;
      tx.events.append({ ...by(caller), projectId: project.id, time: record.openTime, sessionId: id, payload });
      await failpoint("open-session.in-commit");
      return id;
    })
    .catch((error: unknown) => {
      if (error instanceof SessionNotOpened) return undefined;
      throw error;
    });
  await failpoint("open-session.after-commit");
  if (recorded !== id) {
    await failpoint("open-session.before-undo");
    await deps.claims.run(project, (store, scope) => store.endSession(scope, id, 0));
    return recorded === undefined ? undefined : answerAgain(deps, project, recorded);
  }
  // Somebody who was removed from the project at this moment may have been overlooked when their sessions were ended.
  if ((await deps.database.read.projects.get(project.id, caller.engineerId)) === undefined) {
    await endSession(deps, project, id, { state: "expired", cause: "member-removed" });
    throw new ResourceNotFoundError("project", project.id);
  }
  // And if this took longer than the lease, the sweeper found a lapsed lease without a record and dropped it.
  const session = await sessions.get(project.id, id);
  await failpoint("open-session.before-answer");
  return session === undefined ? undefined : takeUp(deps, project, session);
}

/** Rolls the transaction back: another call opened the same session first, or the epoch is over. */
class SessionNotOpened extends Error {}

/** A session that has ended, as callers see it. */
export function endedView(session: Session): SessionView {
  return { session, expireTime: session.endTime, lastHeartbeatTime: undefined };
}

/** A lease that ends then was renewed one TTL before. */
export function leaseUntil(expireTime: Date, project: Project): Pick<SessionView, "expireTime" | "lastHeartbeatTime"> {
  return { expireTime, lastHeartbeatTime: new Date(expireTime.getTime() - project.settings.sessionTtlMs) };
}
