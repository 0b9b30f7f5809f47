import type { Caller } from "../caller.ts";
import type { Stores } from "../database.ts";
import { LastOwnerError, PermissionDeniedError, ResourceNotFoundError } from "../errors.ts";
import { by } from "../events/event.ts";
import { eventCursorOf } from "../events/read-events.ts";
import type { ProjectId } from "../ids.ts";
import type { CursorPage, PageRequest } from "../page.ts";
import type { ProjectDeps } from "./deps.ts";
import type { Member, Role } from "./project.ts";
import { requireMember, requireOwner } from "./require-member.ts";

/** A member of a project, by the email that they registered with. */
export interface MemberName {
  readonly projectId: ProjectId;
  readonly email: string;
}

/**
 * Makes a registered engineer a member. Who is one already stays as they are.
 *
 * @throws PermissionDeniedError unless the caller is an owner
 * @throws ResourceNotFoundError when nobody has registered with that email
 */
export function addMember(
  { database, clock }: Pick<ProjectDeps, "database" | "clock">,
  caller: Caller,
  { projectId, email }: MemberName,
  role: Role,
): Promise<Member> {
  return database.mutate(caller.request, async (tx) => {
    await requireOwner(tx, projectId, caller.engineerId, "only an owner adds members");
    const engineer = await tx.engineers.findByEmail(email);
    if (engineer === undefined) {
      throw new ResourceNotFoundError("engineer", email, "they register first, with 'nexus login --register'");
    }
    const time = clock.now();
    const { member, added } = await tx.projects.addMember(projectId, engineer.id, role, time);
    const payload = { kind: "member", change: "added", email: member.engineer.email, role: member.role } as const;
    if (added) tx.events.append({ ...by(caller), projectId, time, payload });
    return member;
  });
}

/**
 * The members of a project, by email.
 *
 * @throws ResourceNotFoundError unless the caller is one
 */
export async function listMembers(
  { database }: Pick<ProjectDeps, "database">,
  caller: Caller,
  projectId: ProjectId,
  page: PageRequest<string>,
): Promise<CursorPage<Member, string>> {
  await requireMember(database.read, projectId, caller.engineerId);
  return database.snapshot(async (read) => ({
    ...(await read.projects.listMembers(projectId, page)),
    eventCursor: await eventCursorOf(read, projectId),
  }));
}

/**
 * Changes what a member may do.
 *
 * @throws PermissionDeniedError unless the caller is an owner
 * @throws ResourceNotFoundError when there is no such member
 * @throws LastOwnerError when nobody else owns the project
 */
export function updateMember(
  { database, clock }: Pick<ProjectDeps, "database" | "clock">,
  caller: Caller,
  { projectId, email }: MemberName,
  role: Role,
): Promise<Member> {
  return database.mutate(caller.request, async (tx) => {
    await requireMember(tx, projectId, caller.engineerId);
    const owners = await tx.projects.lockOwners(projectId);
    await requireOwner(tx, projectId, caller.engineerId, "only an owner changes roles");
    const member = await requireMemberByEmail(tx, projectId, email);
    if (member.role === "owner" && role !== "owner" && owners === 1) throw new LastOwnerError();
    await tx.projects.setRole(projectId, member.engineer.id, role);
    const payload = { kind: "member", change: "updated", email: member.engineer.email, role } as const;
    if (member.role !== role) tx.events.append({ ...by(caller), projectId, time: clock.now(), payload });
    return { ...member, role };
  });
}

/**
 * Takes a member out of the project and ends their sessions there. Everybody may leave; owners remove others.
 *
 * @throws PermissionDeniedError when the caller is neither an owner nor that member
 * @throws ResourceNotFoundError when there is no such member
 * @throws LastOwnerError when nobody else owns the project
 */
export async function removeMember(
  { database, clock, endSessionsOf }: Pick<ProjectDeps, "database" | "clock" | "endSessionsOf">,
  caller: Caller,
  { projectId, email }: MemberName,
): Promise<void> {
  const engineerId = await database.mutate(caller.request, async (tx) => {
    await requireMember(tx, projectId, caller.engineerId);
    const owners = await tx.projects.lockOwners(projectId);
    const { role } = await requireMember(tx, projectId, caller.engineerId);
    const member = await requireMemberByEmail(tx, projectId, email);
    if (role !== "owner" && member.engineer.id !== caller.engineerId) {
      throw new PermissionDeniedError("owner", "only an owner removes other members");
    }
    if (member.role === "owner" && owners === 1) throw new LastOwnerError();
    await tx.projects.removeMember(projectId, member.engineer.id);
    const payload = { kind: "member", change: "removed", email: member.engineer.email, role: member.role } as const;
    tx.events.append({ ...by(caller), projectId, time: clock.now(), payload });
    return member.engineer.id;
  });
  const project = await database.read.projects.getById(projectId);
  if (project !== undefined) await endSessionsOf(project, engineerId);
}

async function requireMemberByEmail(tx: Stores, projectId: ProjectId, email: string): Promise<Member> {
  const member = await tx.projects.getMember(projectId, email);
  if (member === undefined) throw new ResourceNotFoundError("member", email, "'nexus project members' shows them");
  return member;
}
