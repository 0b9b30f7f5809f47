import type { ClaimRecord } from "../claims/claim-record.ts";
import type { ClaimScope, ClaimStore, Recovering } from "../claims/claim-store.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import { ClaimsRecoveringError, ResourceNotFoundError } from "../errors.ts";
import { failpoint } from "../failpoint.ts";
import type { ProjectId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import { interruptLost } from "./interrupt-lost.ts";
import { rebuildClaims } from "./rebuild-claims.ts";

/** How often a call is made again; while another server rebuilds, with waits that double: 5 s in all. */
const MAX_ATTEMPTS = 9;
const FIRST_WAIT_MS = 10;
/** How long a call waits for a rebuild of this process. */
const MAX_WAIT_MS = 5_000;
/** Rebuilds at a time in this process; each holds one connection to Postgres while it needs others. */
const MAX_REBUILDS = 4;

/** What a call needs to know of its project. */
export type ClaimedProject = Pick<Project, "id" | "epoch">;

/** What ending a session needs to know of its project, too: how long unclean ends drain. */
export type LeasedProject = ClaimedProject & Pick<Project, "settings">;

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
    /** Stamps and reports what a rebuild finds wrong, and that it is done. */
    private readonly watch: {
      readonly clock: Clock;
      readonly alarm: (what: string, data: Record<string, unknown>) => void;
      readonly onRebuilt: (projectId: ProjectId) => void;
    },
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

  /**
   * Makes one call of the claim store under the project's epoch and no later one.
   *
   * @throws ClaimsRecoveringError when the store is not at that epoch; nothing was changed
   */
  async only<Outcome extends { readonly kind: string }>(
    { id: projectId, epoch }: ClaimedProject,
    call: (store: ClaimStore, scope: ClaimScope) => Promise<Outcome>,
  ): Promise<Exclude<Outcome, Recovering>> {
    const outcome = await call(this.store, { projectId, epoch });
    if (isRecovering(outcome)) throw new ClaimsRecoveringError();
    return outcome as Exclude<Outcome, Recovering>;
  }

  private async rebuildOrWait(projectId: ProjectId, epoch: number, attempt: number): Promise<void> {
    // A large project takes its time; then callers come again, and this rebuild goes on.
    const later = this.pause(MAX_WAIT_MS).then(() => "later" as const);
    const rebuilt = await Promise.race([this.rebuild(projectId, epoch, "when-lost").catch(unlessRecovering), later]);
    if (rebuilt === "later") throw new ClaimsRecoveringError();
    // Another server is at it. A small project takes milliseconds: no caller need hear of that.
    if (!rebuilt) await this.pause(FIRST_WAIT_MS * 2 ** attempt);
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
      await failpoint("rebuild.before-epoch");
      if (!(await this.database.read.projects.raiseEpoch(projectId, from))) return;
      await failpoint("rebuild.after-epoch");
      const scope = { projectId, epoch: from + 1 };
      const intent = this.newIntent();
      if ((await this.store.beginRebuild(scope, intent)).kind === "superseded") throw new ClaimsRecoveringError();
      await failpoint("rebuild.after-begin");
      const { project, overlapping } = await rebuildClaims(this.database.read, this.store, scope, intent);
      rebuilt = true;
      this.watch.onRebuilt(projectId);
      await failpoint("rebuild.after-ready");
      for (const record of overlapping) await this.giveUp(project, record);
      await failpoint("rebuild.before-answer");
    });
    if (!ran) throw new ClaimsRecoveringError();
    return rebuilt;
  }

  /** Interrupts the work that a claim was for: a rebuild found its paths with somebody else, so it is lost. */
  private async giveUp(project: Project, record: ClaimRecord): Promise<void> {
    this.watch.alarm("a claim overlaps another one that was given back", { claimId: record.id });
    const freed = await interruptLost(this.database, this.watch.clock.now(), project, record);
    await this.store.drain({ projectId: project.id, epoch: project.epoch }, freed, project.settings.lockDelayMs);
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

function unlessRecovering(error: unknown): false {
  if (error instanceof ClaimsRecoveringError) return false;
  throw error;
}
