import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import type { EngineerId, ProjectId } from "../ids.ts";
import type { Project } from "./project.ts";

/** What the functions of this folder work with; each takes what it needs of it. */
export interface ProjectDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** A UUID that nothing else has. */
  readonly newId: () => string;
  /**
   * Ends the open sessions of an engineer in a project and frees what they hold. Safe to repeat. Where the claim store is
   * away, the reconciler does it when it is back.
   */
  readonly endSessionsOf: (project: Project, engineerId: EngineerId) => Promise<void>;
  /** Makes the claim store forget a project that was deleted. Safe to repeat. */
  readonly forgetClaims: (projectId: ProjectId) => Promise<void>;
}
