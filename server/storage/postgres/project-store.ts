import { and, asc, eq, inArray, sql } from "drizzle-orm";
import type { EngineerId, ProjectId, Slug } from "../../domain/ids.ts";
import { type Page, type PageRequest, pageOf } from "../../domain/page.ts";
import type { Member, Project, Role } from "../../domain/projects/project.ts";
import type { ProjectChanges, ProjectListKey, ProjectStore } from "../../domain/projects/project-store.ts";
import { type Queryable, violatedConstraint } from "./connect.ts";
import { engineerFromRow } from "./engineer-store.ts";
import {
  claims,
  engineers,
  featureDependencies,
  features,
  projectMembers,
  projects,
  sessions,
} from "./schema/index.ts";

/** Projects and their members in PostgreSQL. */
export class PostgresProjectStore implements ProjectStore {
  constructor(private readonly db: Queryable) {}

  async insert(project: Project): Promise<boolean> {
    const { settings, ...columns } = project;
    const inserted = await this.db
      .insert(projects)
      .values({ ...columns, ...settings, sharedPaths: [...settings.sharedPaths] })
      .onConflictDoNothing()
      .returning({ id: projects.id });
    if (inserted.length === 0) return false;
    await this.addMember(project.id, project.creatorId, "owner", project.createTime);
    return true;
  }

  async get(id: ProjectId, engineerId: EngineerId): Promise<{ project: Project; role: Role } | undefined> {
    const [row] = await this.selectAsSeenBy(engineerId).where(eq(projects.id, id));
    return row && { project: projectFromRow(row.project), role: row.role };
  }

  async getById(id: ProjectId): Promise<Project | undefined> {
    const [row] = await this.db.select().from(projects).where(eq(projects.id, id));
    return row && projectFromRow(row);
  }

  async findBySlug(slug: Slug, engineerId: EngineerId): Promise<{ project: Project; role: Role }[]> {
    const rows = await this.selectAsSeenBy(engineerId).where(eq(projects.slug, slug)).orderBy(asc(projects.createTime));
    return rows.map((row) => ({ project: projectFromRow(row.project), role: row.role }));
  }

  async list(engineerId: EngineerId, page: PageRequest<ProjectListKey>): Promise<Page<Project, ProjectListKey>> {
    const { size, after } = page;
    const rows = await this.selectAsSeenBy(engineerId)
      .where(after && sql`(${projects.slug}, ${projects.id}) > (${after.slug}, ${after.id}::uuid)`)
      .orderBy(asc(projects.slug), asc(projects.id))
      .limit(size + 1);
    const found = rows.map((row) => projectFromRow(row.project));
    return pageOf(found, size, ({ slug, id }) => ({ slug, id }));
  }

  async listIds(engineerId: EngineerId): Promise<ProjectId[]> {
    const rows = await this.db
      .select({ id: projectMembers.projectId })
      .from(projectMembers)
      .where(eq(projectMembers.engineerId, engineerId));
    return rows.map((row) => row.id as ProjectId);
  }

  async listMemberships(engineerIds: readonly EngineerId[]): Promise<ReadonlyMap<EngineerId, ReadonlySet<ProjectId>>> {
    const rows = await this.db
      .select({ engineerId: projectMembers.engineerId, projectId: projectMembers.projectId })
      .from(projectMembers)
      .where(inArray(projectMembers.engineerId, [...engineerIds]));
    const memberships = new Map<EngineerId, Set<ProjectId>>();
    for (const row of rows) {
      const engineerId = row.engineerId as EngineerId;
      memberships.set(engineerId, (memberships.get(engineerId) ?? new Set()).add(row.projectId as ProjectId));
    }
    return memberships;
  }

  async update(id: ProjectId, version: number, changes: ProjectChanges): Promise<Project | "slug-taken" | undefined> {
    const { slug, name, settings } = changes;
    try {
      const [row] = await this.db
        .update(projects)
        .set({
          slug,
          name,
          sessionTtlMs: settings?.sessionTtlMs,
          lockDelayMs: settings?.lockDelayMs,
          sharedPaths: settings && [...settings.sharedPaths],
          version: version + 1,
        })
        .where(and(eq(projects.id, id), eq(projects.version, version)))
        .returning();
      return row && projectFromRow(row);
    } catch (error) {
      if (violatedConstraint(error) === "projects_slug_unique") return "slug-taken";
      throw error;
    }
  }

  async delete(id: ProjectId): Promise<void> {
    // In the order in which everybody else locks them: sessions, features, claims, the project last.
    await this.db.delete(sessions).where(eq(sessions.projectId, id));
    const ofProject = this.db.select({ id: features.id }).from(features).where(eq(features.projectId, id));
    await this.db.delete(featureDependencies).where(inArray(featureDependencies.featureId, ofProject));
    await this.db.delete(features).where(eq(features.projectId, id));
    await this.db.delete(claims).where(eq(claims.projectId, id));
    await this.db.delete(projects).where(eq(projects.id, id));
  }

  async addMember(
    id: ProjectId,
    engineerId: EngineerId,
    role: Role,
    time: Date,
  ): Promise<{ member: Member; added: boolean }> {
    // A member who is there already keeps their role, but their row is locked, so that the next query finds it.
    const [written] = await this.db
      .insert(projectMembers)
      .values({ projectId: id, engineerId, role, createTime: time })
      .onConflictDoUpdate({
        target: [projectMembers.projectId, projectMembers.engineerId],
        set: { role: sql`${projectMembers.role}` },
      })
      // PostgreSQL marks with the transaction what it has updated, not what it has inserted.
      .returning({ added: sql<boolean>`${projectMembers}.xmax = 0` });
    const [row] = await this.selectMembers().where(
      and(eq(projectMembers.projectId, id), eq(projectMembers.engineerId, engineerId)),
    );
    if (row === undefined) throw new Error(`member ${engineerId} of project ${id} vanished while being added`);
    return { member: memberFromRow(row), added: written?.added === true };
  }

  async getMember(id: ProjectId, email: string): Promise<Member | undefined> {
    const [row] = await this.selectMembers().where(
      and(eq(projectMembers.projectId, id), sql`lower(${engineers.email}) = lower(${email})`),
    );
    return row && memberFromRow(row);
  }

  async listMembers(id: ProjectId, page: PageRequest<string>): Promise<Page<Member, string>> {
    const { size, after } = page;
    const rows = await this.selectMembers()
      .where(and(eq(projectMembers.projectId, id), after === undefined ? undefined : sql`${EMAIL_KEY} > ${after}`))
      .orderBy(EMAIL_KEY)
      .limit(size + 1);
    const { items, next } = pageOf(rows, size, (row) => row.emailKey);
    return { items: items.map(memberFromRow), next };
  }

  async lockOwners(id: ProjectId): Promise<number> {
    const owners = await this.db
      .select({ engineerId: projectMembers.engineerId })
      .from(projectMembers)
      .where(and(eq(projectMembers.projectId, id), eq(projectMembers.role, "owner")))
      .orderBy(asc(projectMembers.engineerId))
      .for("update");
    return owners.length;
  }

  async setRole(id: ProjectId, engineerId: EngineerId, role: Role): Promise<void> {
    await this.db.update(projectMembers).set({ role }).where(isMember(id, engineerId));
  }

  async removeMember(id: ProjectId, engineerId: EngineerId): Promise<void> {
    await this.db.delete(projectMembers).where(isMember(id, engineerId));
  }

  async lockEpoch(id: ProjectId, epoch: number): Promise<boolean> {
    const [row] = await this.db
      .select({ epoch: projects.epoch })
      .from(projects)
      .where(eq(projects.id, id))
      .for("no key update");
    return row?.epoch === epoch;
  }

  async raiseEpoch(id: ProjectId, from: number): Promise<boolean> {
    const raised = await this.db
      .update(projects)
      .set({ epoch: from + 1 })
      .where(and(eq(projects.id, id), eq(projects.epoch, from)))
      .returning({ id: projects.id });
    return raised.length > 0;
  }

  async listAtWork(): Promise<Project[]> {
    const open = this.db.select({ id: sessions.projectId }).from(sessions).where(eq(sessions.state, "open"));
    // Spelled out state by state, as the partial indexes are.
    const held = this.db.select({ id: claims.projectId }).from(claims).where(sql`${claims.state} = 'held'`);
    const ending = this.db.select({ id: claims.projectId }).from(claims).where(sql`${claims.state} = 'ending'`);
    const draining = this.db.select({ id: claims.projectId }).from(claims).where(sql`${claims.state} = 'draining'`);
    const leased = this.db
      .select({ id: sessions.projectId })
      .from(sessions)
      .where(sql`${sessions.state} <> 'open' and not ${sessions.leaseEnded}`);
    const rows = await this.db
      .select()
      .from(projects)
      .where(inArray(projects.id, open.union(leased).union(held).union(ending).union(draining)));
    return rows.map(projectFromRow);
  }

  private selectAsSeenBy(engineerId: EngineerId) {
    return this.db
      .select({ project: projects, role: projectMembers.role })
      .from(projects)
      .innerJoin(
        projectMembers,
        and(eq(projectMembers.projectId, projects.id), eq(projectMembers.engineerId, engineerId)),
      )
      .$dynamic();
  }

  private selectMembers() {
    return this.db
      .select({
        engineer: engineers,
        role: projectMembers.role,
        createTime: projectMembers.createTime,
        emailKey: EMAIL_KEY,
      })
      .from(projectMembers)
      .innerJoin(engineers, eq(engineers.id, projectMembers.engineerId))
      .$dynamic();
  }
}

/** What members are ordered by; unique, since emails are whatever their case. */
const EMAIL_KEY = sql<string>`lower(${engineers.email})`;

function isMember(id: ProjectId, engineerId: EngineerId) {
  return and(eq(projectMembers.projectId, id), eq(projectMembers.engineerId, engineerId));
}

function projectFromRow(row: typeof projects.$inferSelect): Project {
  const { sessionTtlMs, lockDelayMs, sharedPaths, caseSensitive, eventSequence: _log, ...rest } = row;
  return {
    ...rest,
    id: rest.id as ProjectId,
    slug: rest.slug as Slug,
    creatorId: rest.creatorId as EngineerId,
    settings: { sessionTtlMs, lockDelayMs, sharedPaths, caseSensitive },
  };
}

function memberFromRow(row: {
  readonly engineer: typeof engineers.$inferSelect;
  readonly role: Role;
  readonly createTime: Date;
}): Member {
  return { engineer: engineerFromRow(row.engineer), role: row.role, createTime: row.createTime };
}
