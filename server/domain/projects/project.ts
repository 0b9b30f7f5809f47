import type { Engineer } from "../auth/engineer.ts";
import type { EngineerId, ProjectId, Slug } from "../ids.ts";

/** What a member may do; an owner may do all that a member may. */
export type Role = "member" | "owner";

/** How claims and sessions behave in a project. */
export interface ProjectSettings {
  /** A session's life after its last sign of life: 30 s to 24 h. */
  readonly sessionTtlMs: number;
  /** How long the paths of a session that ended uncleanly stay blocked: 0 to 10 min. */
  readonly lockDelayMs: number;
  /** Literal paths, in normal form, that are always claimed shared. */
  readonly sharedPaths: readonly string[];
  /** Fixed at creation. */
  readonly caseSensitive: boolean;
}

/** A codebase. */
export interface Project {
  readonly id: ProjectId;
  readonly slug: Slug;
  readonly name: string;
  readonly creatorId: EngineerId;
  readonly settings: ProjectSettings;
  /** Raised by every change; the etag. */
  readonly version: number;
  /** Raised by every recovery of its claims. */
  readonly epoch: number;
  readonly createTime: Date;
}

/** An engineer in a project. */
export interface Member {
  readonly engineer: Engineer;
  readonly role: Role;
  readonly createTime: Date;
}
