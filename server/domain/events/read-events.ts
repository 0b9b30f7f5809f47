import type { Caller } from "../caller.ts";
import type { Database, Stores } from "../database.ts";
import { RequestInvalidError, ResourceNotFoundError } from "../errors.ts";
import type { EngineerId, ProjectId } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import { requireMember } from "../projects/require-member.ts";
import type { Event, EventFilter } from "./event.ts";
import { EventCursorExpiredError } from "./event-errors.ts";
import type { EventHub } from "./event-hub.ts";
import type { EventStream } from "./event-stream.ts";

/** What the functions on events need. */
export interface EventDeps {
  readonly database: Database;
  readonly hub: EventHub;
}

/** Which events, with the engineer by email. */
export interface AskedEvents extends Omit<EventFilter, "engineerId"> {
  readonly engineer: string | undefined;
}

/** A project to watch: after a sequence, or else from the filter's time on, or from now. */
export interface ProjectCursor {
  readonly projectId: ProjectId;
  readonly after: bigint | undefined;
  /** The request's field, for refusals. */
  readonly field: string;
}

/**
 * Events of a project, the oldest first, with the last sequence that there was at that moment.
 *
 * @throws EventCursorExpiredError when the page would begin with events that are no longer kept
 */
export async function listEvents(
  { database }: Pick<EventDeps, "database">,
  caller: Caller,
  projectId: ProjectId,
  asked: AskedEvents,
  page: PageRequest<bigint>,
): Promise<Page<Event, bigint> & { readonly latest: bigint }> {
  await requireMember(database.read, projectId, caller.engineerId);
  const filter = await filterOf(database.read, [projectId], asked);
  return database.snapshot(async (read) => {
    const { oldest, latest } = await requireExtent(read, projectId);
    if (page.after !== undefined && page.after < oldest - 1n) throw new EventCursorExpiredError(projectId, oldest - 1n);
    return { ...(await read.events.list(projectId, filter, page)), latest };
  });
}

/**
 * Opens a stream of the events of one or several projects. Whoever opens it closes it with the hub.
 *
 * @throws EventCursorExpiredError, ServerDrainingError, LimitExceededError
 * @throws RequestInvalidError for a sequence that nothing has
 */
export async function watchEvents(
  { database, hub }: EventDeps,
  caller: Caller,
  projects: readonly ProjectCursor[],
  asked: AskedEvents,
  cut: () => void,
): Promise<EventStream> {
  const { read } = database;
  const cursors = new Map<ProjectId, bigint>();
  for (const project of projects) {
    await requireMember(read, project.projectId, caller.engineerId);
    cursors.set(project.projectId, await beginningOf(read, project, asked.since));
  }
  const filter = await filterOf(read, [...cursors.keys()], asked);
  return hub.open({ caller, filter, cursors, cut });
}

/** The last event of a project; for lists, in the snapshot that they are read in. */
export async function eventCursorOf(read: Pick<Stores, "events">, projectId: ProjectId): Promise<bigint> {
  return (await read.events.latest([projectId])).get(projectId) ?? 0n;
}

async function beginningOf(
  read: Stores,
  { projectId, after, field }: ProjectCursor,
  since: Date | undefined,
): Promise<bigint> {
  const { oldest, latest } = await requireExtent(read, projectId);
  if (after === undefined) {
    const first = since && (await read.events.firstSince(projectId, since));
    return first === undefined ? latest : first - 1n;
  }
  if (after > latest) {
    const description = `is ${after}, and the last event of the project is ${latest}; list what is there, and begin anew`;
    throw new RequestInvalidError([{ field, description }]);
  }
  if (after < oldest - 1n) throw new EventCursorExpiredError(projectId, oldest - 1n);
  return after;
}

async function requireExtent(read: Pick<Stores, "events">, projectId: ProjectId) {
  const extent = await read.events.extent(projectId);
  if (extent === undefined) throw new ResourceNotFoundError("project", projectId);
  return extent;
}

async function filterOf(
  read: Stores,
  projectIds: readonly ProjectId[],
  { engineer, ...filter }: AskedEvents,
): Promise<EventFilter> {
  const engineerId = engineer === undefined ? undefined : await requireEngineer(read, projectIds, engineer);
  return { ...filter, engineerId };
}

async function requireEngineer(read: Stores, projectIds: readonly ProjectId[], email: string): Promise<EngineerId> {
  for (const projectId of projectIds) {
    const member = await read.projects.getMember(projectId, email);
    if (member !== undefined) return member.engineer.id;
  }
  throw new ResourceNotFoundError("member", email, "'nexus project members' shows them");
}
