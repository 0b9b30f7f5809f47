import type { EngineerId, ProjectId, Slug } from "../ids.ts";
import type { Page, PageRequest } from "../page.ts";
import type { Member, Project, ProjectSettings, Role } from "./project.ts";

/** A list of projects is ordered by slug, then id. */
export interface ProjectListKey {
  readonly slug: string;
  readonly id: string;
}

/** What an update changes; undefined leaves it. */
export interface ProjectChanges {
  readonly slug?: Slug | undefined;
  readonly name?: string | undefined;
  readonly settings?: ProjectSettings | undefined;
}

/** Keeps projects and their members. */
export interface ProjectStore {
  /** Adds a project with its creator as owner; false when the creator has one of that slug. */
  insert(project: Project): Promise<boolean>;

  /** A project as a member sees it; undefined also when the engineer is no member. */
  get(id: ProjectId, engineerId: EngineerId): Promise<{ readonly project: Project; readonly role: Role } | undefined>;

  /** A project whoever asks: for the server's own work. */
  getById(id: ProjectId): Promise<Project | undefined>;

  /** The projects of that slug that the engineer is a member of. */
  findBySlug(slug: Slug, engineerId: EngineerId): Promise<{ readonly project: Project; readonly role: Role }[]>;

  list(engineerId: EngineerId, page: PageRequest<ProjectListKey>): Promise<Page<Project, ProjectListKey>>;

  /** The projects that the engineer is a member of. */
  listIds(engineerId: EngineerId): Promise<ProjectId[]>;

  /** The projects that each of these engineers is a member of; who is a member of none is left out. */
  listMemberships(engineerIds: readonly EngineerId[]): Promise<ReadonlyMap<EngineerId, ReadonlySet<ProjectId>>>;

  /** Changes a project that still has this version; undefined when it has another. "slug-taken" when its creator has one of that slug. */
  update(id: ProjectId, version: number, changes: ProjectChanges): Promise<Project | "slug-taken" | undefined>;

  /** Deletes a project with everything in it. */
  delete(id: ProjectId): Promise<void>;

  /** Adds a member; no change when they are one already. Answers the member as they are then. */
  addMember(
    id: ProjectId,
    engineerId: EngineerId,
    role: Role,
    time: Date,
  ): Promise<{ readonly member: Member; readonly added: boolean }>;

  getMember(id: ProjectId, email: string): Promise<Member | undefined>;

  /** Members by email. */
  listMembers(id: ProjectId, page: PageRequest<string>): Promise<Page<Member, string>>;

  /** Locks the project's owners until the transaction ends; answers how many there are. */
  lockOwners(id: ProjectId): Promise<number>;

  setRole(id: ProjectId, engineerId: EngineerId, role: Role): Promise<void>;

  removeMember(id: ProjectId, engineerId: EngineerId): Promise<void>;

  /** Whether the project is at this epoch; keeps it there until the transaction ends. */
  lockEpoch(id: ProjectId, epoch: number): Promise<boolean>;

  /** Raises the epoch by one if it is still `from`; whether it did. */
  raiseEpoch(id: ProjectId, from: number): Promise<boolean>;

  /** Projects that have open sessions or claims that were not freed yet: what the reconciler looks after. */
  listAtWork(): Promise<Project[]>;
}
