import {
  type AcquireOutcome,
  type AcquireRequest,
  type BlockedTouch,
  type ClaimScope,
  type ClaimStore,
  type ClaimTouch,
  type ConfirmOutcome,
  type DueWork,
  type ExtendOutcome,
  type ExtendRequest,
  type LeaseOutcome,
  type ListedClaim,
  PROVISIONAL_DEADLINE_MS,
  type RebuildOutcome,
  type RebuiltClaim,
  type Recovering,
} from "../../domain/claims/claim-store.ts";
import { MAX_CANDIDATES } from "../../domain/claims/search-limits.ts";
import type { ClaimId, ProjectId, SessionId } from "../../domain/ids.ts";
import type { Pattern } from "../../domain/paths/pattern.ts";
import { type ClaimRecord, ProjectClaims, type SearchLimits } from "./project-claims.ts";

export interface EmbeddedClaimStoreOptions {
  /** A monotonic clock in milliseconds, mapped to the time of day; the process's own by default. */
  readonly now?: () => number;
  /** Entries that one call may look at before a touch counts as too broad. */
  readonly maxCandidates?: number;
  /** Steps of comparison that one call may take before a touch counts as too broad. */
  readonly maxSteps?: number;
  /** As MAX_TICK_GAP_MS by default. */
  readonly maxTickGapMs?: number;
}

const MAX_STEPS = 200_000;
/**
 * How far the clock may run on from the last tick of the reconciler before nobody knows any more whether anybody could
 * have given a sign of life meanwhile: the process was stopped, or stuck.
 */
const MAX_TICK_GAP_MS = 15_000;

/**
 * Keeps claims and leases in the memory of this process, for a server that is alone with its database. Each call runs
 * to its end before another begins. After a start it knows nothing, so recovery rebuilds every project first.
 */
export class EmbeddedClaimStore implements ClaimStore {
  private readonly projects = new Map<ProjectId, ProjectClaims>();
  private readonly clock: () => number;
  private readonly maxTickGapMs: number;
  private readonly limits: SearchLimits;

  constructor(options: EmbeddedClaimStoreOptions = {}) {
    const now = options.now ?? (() => performance.timeOrigin + performance.now());
    this.clock = () => Math.floor(now());
    this.maxTickGapMs = options.maxTickGapMs ?? MAX_TICK_GAP_MS;
    this.limits = {
      candidates: options.maxCandidates ?? MAX_CANDIDATES,
      steps: options.maxSteps ?? MAX_STEPS,
    };
  }

  acquire(scope: ClaimScope, request: ExtendRequest): Promise<ExtendOutcome>;
  acquire(scope: ClaimScope, request: AcquireRequest): Promise<AcquireOutcome>;
  async acquire(scope: ClaimScope, request: AcquireRequest & { readonly alongside?: ClaimId }): Promise<ExtendOutcome> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const now = this.timeOf(project);
    const { claimId, featureId, sessionId, touches, alongside } = request;
    if (!project.isAlive(sessionId, now)) {
      return { kind: "session-expired" };
    }
    const expireTime = new Date(project.renew(sessionId, now + request.ttlMs));
    const replaced = new Set(request.replaces);
    const isReplaced = (claim: ClaimRecord) => replaced.has(claim.claimId) && claim.featureId === featureId;
    const isOwn = (claim: ClaimRecord) =>
      claim.featureId === featureId && claim.sessionId === sessionId && claim.state !== "draining";
    const held =
      project.claim(claimId) ??
      (alongside === undefined ? project.firstOfFeature(featureId, now, isReplaced) : undefined);
    if (held !== undefined) {
      return { kind: "feature-held", claim: project.describe(held, now) };
    }
    if (alongside !== undefined) {
      const pick = project.claim(alongside);
      if (pick === undefined || !isOwn(pick)) {
        return { kind: "claim-gone" };
      }
    }
    const search = project.findConflicts(
      touches,
      now,
      this.limits,
      (claim) => isReplaced(claim) || (alongside !== undefined && isOwn(claim)),
    );
    if (search.kind === "too-broad") {
      return search;
    }
    if (search.held.length > 0) {
      return { kind: "conflict", blocked: search.held };
    }
    const fencingToken = project.nextToken();
    const ends = now + PROVISIONAL_DEADLINE_MS;
    project.add({ claimId, featureId, sessionId, fencingToken, acquired: now, touches, state: "provisional", ends });
    return { kind: "granted", fencingToken, acquireTime: new Date(now), expireTime };
  }

  async confirm(scope: ClaimScope, claimId: ClaimId, replaces: readonly ClaimId[] = []): Promise<ConfirmOutcome> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const now = this.timeOf(project);
    const claim = project.claim(claimId);
    if (claim === undefined) {
      return { kind: "gone" };
    }
    if (!project.isAlive(claim.sessionId, now)) {
      return { kind: "session-expired" };
    }
    if (claim.state === "draining") {
      return { kind: "gone" };
    }
    claim.state = "held";
    for (const id of replaces) {
      if (id !== claimId && project.claim(id)?.featureId === claim.featureId) {
        project.forget(id);
      }
    }
    return { kind: "confirmed", claim: project.describe(claim, now) };
  }

  async release(scope: ClaimScope, claimIds: readonly ClaimId[]): Promise<{ readonly kind: "released" } | Recovering> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    for (const claimId of claimIds) {
      project.forget(claimId);
    }
    return { kind: "released" };
  }

  async retainTouches(
    scope: ClaimScope,
    claimId: ClaimId,
    touches: readonly ClaimTouch[],
  ): Promise<{ readonly kind: "retained" } | Recovering> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    project.retain(claimId, touches);
    return { kind: "retained" };
  }

  async drain(
    scope: ClaimScope,
    claimIds: readonly ClaimId[],
    drainMs: number,
  ): Promise<{ readonly kind: "drained"; readonly unknown: readonly ClaimId[] } | Recovering> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const now = this.timeOf(project);
    const unknown = claimIds.filter((claimId) => !project.drain(claimId, now, drainMs));
    return { kind: "drained", unknown };
  }

  async check(
    scope: ClaimScope,
    touches: readonly Pattern[],
  ): Promise<
    | { readonly kind: "checked"; readonly held: readonly BlockedTouch[] }
    | { readonly kind: "too-broad"; readonly touch: number }
    | Recovering
  > {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const asked = touches.map((pattern): ClaimTouch => ({ pattern, mode: "exclusive" }));
    return project.findHeld(asked, this.timeOf(project), this.limits);
  }

  async list(
    scope: ClaimScope,
    sessionId?: SessionId,
  ): Promise<{ readonly kind: "listed"; readonly claims: readonly ListedClaim[] } | Recovering> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const now = this.timeOf(project);
    const claims = project.liveClaims(now, sessionId).map((claim) => ({
      ...project.describe(claim, now),
      touches: claim.touches.map(({ pattern, mode }) => ({ path: pattern.text, mode })),
    }));
    return { kind: "listed", claims };
  }

  async openSession(scope: ClaimScope, sessionId: SessionId, ttlMs: number): Promise<LeaseOutcome> {
    const project = this.served(scope);
    if (project !== undefined && !project.hasLease(sessionId)) {
      return project.renewed(sessionId, ttlMs, this.timeOf(project));
    }
    return this.heartbeat(scope, sessionId, ttlMs);
  }

  async heartbeat(scope: ClaimScope, sessionId: SessionId, ttlMs: number): Promise<LeaseOutcome> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const now = this.timeOf(project);
    return project.isAlive(sessionId, now) ? project.renewed(sessionId, ttlMs, now) : { kind: "session-expired" };
  }

  async endSession(
    scope: ClaimScope,
    sessionId: SessionId,
    drainMs: number,
    free: readonly ClaimId[] = [],
  ): Promise<{ readonly kind: "ended" } | Recovering> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const now = this.timeOf(project);
    for (const { claimId } of project.claimsOfSession(sessionId)) {
      project.drain(claimId, now, free.includes(claimId) ? 0 : drainMs);
    }
    project.endLease(sessionId);
    return { kind: "ended" };
  }

  async listLeases(scope: ClaimScope): ReturnType<ClaimStore["listLeases"]> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const now = this.timeOf(project);
    const leases = project
      .leaseEnds()
      .map(([sessionId, expire]) => ({ sessionId, expireTime: new Date(expire), expired: expire <= now }));
    return { kind: "listed", leases };
  }

  async dueWork(scope: ClaimScope, limit: number): Promise<DueWork | Recovering> {
    const project = this.served(scope);
    if (project === undefined) {
      return this.recovering(scope);
    }
    const now = this.clock();
    if (now > this.timeOf(project) && project.runsByTime) {
      return this.recovering(scope);
    }
    project.tick = now;
    const expired = project.leaseEnds().filter(([, expire]) => expire <= now);
    return {
      kind: "due",
      expiredSessions: expired.slice(0, limit).map(([sessionId]) => sessionId),
      overdueClaims: project.dueClaims("provisional", now, limit).map((claim) => project.describe(claim, now)),
      drainedClaims: project.dueClaims("draining", now, limit).map((claim) => claim.claimId),
    };
  }

  async beginRebuild(
    scope: ClaimScope,
    intent: string,
  ): Promise<{ readonly kind: "begun" } | { readonly kind: "superseded" }> {
    const known = this.projects.get(scope.projectId);
    if (known !== undefined && (known.epoch > scope.epoch || (known.epoch === scope.epoch && known.ready))) {
      return { kind: "superseded" };
    }
    this.projects.set(scope.projectId, new ProjectClaims(scope.epoch, intent, this.clock()));
    return { kind: "begun" };
  }

  async rebuildSession(
    scope: ClaimScope,
    intent: string,
    sessionId: SessionId,
    ttlMs: number,
  ): Promise<RebuildOutcome> {
    const project = this.underRebuild(scope, intent);
    if (project === undefined || project.ready) {
      return { kind: "superseded" };
    }
    project.renew(sessionId, this.clock() + ttlMs);
    return { kind: "rebuilt" };
  }

  async rebuildClaim(
    scope: ClaimScope,
    intent: string,
    claim: RebuiltClaim,
  ): Promise<RebuildOutcome | { readonly kind: "overlaps" }> {
    const project = this.underRebuild(scope, intent);
    if (project === undefined || project.ready) {
      return { kind: "superseded" };
    }
    const { acquireTime, drainMs, ...kept } = claim;
    if (drainMs === undefined && !project.hasLease(claim.sessionId)) {
      throw new Error("a claim was rebuilt before its session");
    }
    if (project.claim(claim.claimId) !== undefined) {
      return { kind: "rebuilt" };
    }
    const now = this.clock();
    const search = project.findConflicts(
      claim.touches,
      now,
      this.limits,
      (other) => other.featureId === claim.featureId,
    );
    if (search.kind === "checked" && search.held.length > 0) {
      return { kind: "overlaps" };
    }
    project.add({ ...kept, acquired: acquireTime.getTime(), state: "held", ends: 0 });
    if (drainMs !== undefined) {
      project.drain(claim.claimId, now, drainMs);
    }
    return { kind: "rebuilt" };
  }

  async finishRebuild(scope: ClaimScope, intent: string): Promise<RebuildOutcome> {
    const project = this.underRebuild(scope, intent);
    if (project === undefined) {
      return { kind: "superseded" };
    }
    if (!project.ready) {
      project.ready = true;
      project.tick = this.clock();
    }
    return { kind: "rebuilt" };
  }

  async deleteProject(projectId: ProjectId): Promise<void> {
    this.projects.delete(projectId);
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.projects.clear();
  }

  /** What is still kept of a project's claims, leases and index, by name; for tests. */
  leftovers(projectId: ProjectId): readonly string[] {
    return this.projects.get(projectId)?.leftovers() ?? [];
  }

  /** The project, when this epoch may be served. */
  private served({ projectId, epoch }: ClaimScope): ProjectClaims | undefined {
    const project = this.projects.get(projectId);
    return project?.ready && project.epoch === epoch ? project : undefined;
  }

  /** The time that counts: it stands still where the clock is too far from the last tick, so that nothing expires. */
  private timeOf(project: ProjectClaims): number {
    return Math.min(this.clock(), project.tick + this.maxTickGapMs);
  }

  private underRebuild({ projectId, epoch }: ClaimScope, intent: string): ProjectClaims | undefined {
    const project = this.projects.get(projectId);
    return project?.epoch === epoch && project.intent === intent ? project : undefined;
  }

  private recovering({ projectId }: ClaimScope): Recovering {
    return { kind: "recovering", storeEpoch: this.projects.get(projectId)?.epoch };
  }
}
