import type { ClaimScope, ClaimStore, Recovering } from "../claims/claim-store.ts";
import { compileTouches } from "../claims/compile-touches.ts";
import type { Database } from "../database.ts";
import { ClaimsRecoveringError, ResourceNotFoundError } from "../errors.ts";
import type { ProjectId } from "../ids.ts";
import type { Project } from "../projects/project.ts";

/** How often a call is made again; while another server rebuilds, with waits that double: 5 s in all. */
const MAX_ATTEMPTS = 9;
const FIRST_WAIT_MS = 10;
/** Rebuilds at a time in this process; each holds one connection to Postgres while it needs others. */
const MAX_REBUILDS = 4;

/** More claims than can drain at a time. */
const MAX_DRAINING = 10_000;

/** What a call needs to know of its project. */
export type ClaimedProject = Pick<Project, "id" | "epoch">;

/**
 * The way to the claim store: every call goes under the project's epoch, and a store that has lost the project (first
 * use, restart, flush) is rebuilt from Postgres before the call is made again.
 */
export class ClaimAccess {
  /** Rebuilds under way in this process, so that many calls wait for one. */
  private readonly rebuilds = new Map<ProjectId, Promise<boolean>>();

  constructor(
    private readonly database: Database,
    private readonly store: ClaimStore,
    /** A mark that no other rebuild has. */
    private readonly newIntent: () => string,
    private readonly pause: (ms: number) => Promise<void>,
  ) {}

  /**
   * Makes one call of the claim store; answers with the epoch that it was made under, which a commit to Postgres that
   * rests on it must require.
   *
   * @throws ClaimsRecoveringError while another server rebuilds the project
   */
  async run<Outcome extends { readonly kind: string }>(
    project: ClaimedProject,
    call: (store: ClaimStore, scope: ClaimScope) => Promise<Outcome>,
  ): Promise<{ outcome: Exclude<Outcome, Recovering>; epoch: number }> {
    let { epoch } = project;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const outcome = await call(this.store, { projectId: project.id, epoch });
      if (!isRecovering(outcome)) return { outcome: outcome as Exclude<Outcome, Recovering>, epoch };
      const current = await this.currentEpoch(project.id);
      // The caller read an older epoch than the one in force: ask again before anything is rebuilt.
      if (current === epoch) await this.rebuildOrWait(project.id, epoch, attempt);
      epoch = await this.currentEpoch(project.id);
    }
    throw new ClaimsRecoveringError();
  }

  private async rebuildOrWait(projectId: ProjectId, epoch: number, attempt: number): Promise<void> {
    try {
      if (await this.rebuild(projectId, epoch, "when-lost")) return;
    } catch (error) {
      if (!(error instanceof ClaimsRecoveringError)) throw error;
    }
    // Another server is at it, or has just done it and grants nothing yet. A small project takes milliseconds: no
    // caller need hear of that.
    await this.pause(FIRST_WAIT_MS * 2 ** attempt);
  }

  /**
   * Rebuilds a project's claims under a new epoch, unless `from` is no longer the current one.
   *
   * The epoch is raised, and committed, before anything is read: a pick that was granted under the old one can't be
   * committed any more, and one that was committed is read (CLAIMS section 5).
   *
   * @returns whether it was rebuilt
   * @param when `when-lost` leaves a store alone that serves that epoch, since somebody else has just rebuilt it
   */
  rebuild(projectId: ProjectId, from: number, when: "when-lost" | "always"): Promise<boolean> {
    const running = this.rebuilds.get(projectId);
    if (running !== undefined) return running;
    if (this.rebuilds.size >= MAX_REBUILDS) return Promise.reject(new ClaimsRecoveringError());
    const rebuild = this.rebuildOnce(projectId, from, when).finally(() => this.rebuilds.delete(projectId));
    this.rebuilds.set(projectId, rebuild);
    return rebuild;
  }

  private async rebuildOnce(projectId: ProjectId, from: number, when: "when-lost" | "always"): Promise<boolean> {
    let rebuilt = false;
    const ran = await this.database.exclusively(projectId, async () => {
      if (when === "when-lost" && !isRecovering(await this.store.dueWork({ projectId, epoch: from }, 0))) return;
      if (!(await this.database.read.projects.raiseEpoch(projectId, from))) return;
      const scope = { projectId, epoch: from + 1 };
      const intent = this.newIntent();
      if ((await this.store.beginRebuild(scope, intent)).kind === "superseded") throw new ClaimsRecoveringError();
      await this.restore(scope, intent);
      rebuilt = true;
    });
    if (!ran) throw new ClaimsRecoveringError();
    return rebuilt;
  }

  private async restore(scope: ClaimScope, intent: string): Promise<void> {
    const { projects, sessions, claims } = this.database.read;
    const project = await projects.getById(scope.projectId);
    if (project === undefined) throw new ResourceNotFoundError("project", scope.projectId);
    const { sessionTtlMs, caseSensitive } = project.settings;
    for (const session of await sessions.listAllOpen(scope.projectId)) {
      await mustGoOn(this.store.rebuildSession(scope, intent, session.id, sessionTtlMs));
    }
    for (const record of await claims.listHeld(scope.projectId)) {
      await mustGoOn(
        this.store.rebuildClaim(scope, intent, {
          claimId: record.id,
          featureId: record.featureId,
          sessionId: record.sessionId,
          fencingToken: record.fencingToken,
          acquireTime: record.acquireTime,
          touches: compileTouches(record.touches, caseSensitive),
        }),
      );
    }
    // Draining claims are not rebuilt. Who held them may still be writing, so nobody gets anything for as long.
    const draining = await claims.listDraining(scope.projectId, MAX_DRAINING);
    const grantDelayMs = draining.length > 0 ? project.settings.lockDelayMs : 0;
    await mustGoOn(this.store.finishRebuild(scope, intent, grantDelayMs));
    await claims.markEnded(draining.map((claim) => claim.id));
  }

  private async currentEpoch(projectId: ProjectId): Promise<number> {
    const project = await this.database.read.projects.getById(projectId);
    if (project === undefined) throw new ResourceNotFoundError("project", projectId);
    return project.epoch;
  }
}

function isRecovering(outcome: { readonly kind: string }): outcome is Recovering {
  return outcome.kind === "recovering";
}

async function mustGoOn(step: Promise<{ readonly kind: "rebuilt" | "superseded" }>): Promise<void> {
  if ((await step).kind === "superseded") throw new ClaimsRecoveringError();
}
