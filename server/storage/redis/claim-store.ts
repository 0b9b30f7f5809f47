import type { Redis } from "ioredis";
import {
  type AcquireOutcome,
  type AcquireRequest,
  type BlockedTouch,
  type ClaimScope,
  type ClaimStore,
  type ConfirmOutcome,
  type DueWork,
  type LeaseOutcome,
  type ListedClaim,
  PROVISIONAL_DEADLINE_MS,
  type RebuildOutcome,
  type RebuiltClaim,
  type Recovering,
} from "../../domain/claims/claim-store.ts";
import type { ClaimId, ProjectId, SessionId } from "../../domain/ids.ts";
import type { Pattern } from "../../domain/paths/pattern.ts";
import { indexTerms } from "./index-terms.ts";
import { projectKeys } from "./keys.ts";
import {
  decodeAcquired,
  decodeBegun,
  decodeChecked,
  decodeClaimPage,
  decodeConfirmed,
  decodeDueWork,
  decodeEnded,
  decodeLease,
  decodeLeases,
  decodeRebuilt,
  decodeReleased,
} from "./replies.ts";
import { type Reply, ScriptRunner } from "./script-runner.ts";
import { buildScripts, type Script, type ScriptName } from "./scripts.ts";

export interface RedisClaimStoreOptions {
  /** What every key begins with: `nexus` by default. */
  readonly prefix?: string;
  /** Entries that one call may look at before a touch counts as too broad. */
  readonly maxCandidates?: number;
  /** Steps of comparison that one call may take before a touch counts as too broad. */
  readonly maxSteps?: number;
  /** Lua that takes the place of lua/clock.lua, for tests that move the time. */
  readonly nowSource?: string;
}

const MAX_CANDIDATES = 20_000;
const MAX_STEPS = 200_000;
const MAX_PAIRS = 64;
const LIST_PAGE_SIZE = 64;

/** Keeps claims and leases in Redis; each call is one Lua script, decided by the time of Redis. */
export class RedisClaimStore implements ClaimStore {
  private readonly runner: ScriptRunner;
  private readonly scripts: Record<ScriptName, Script>;
  private readonly prefix: string;
  private readonly limits: readonly [maxCandidates: string, maxSteps: string, maxPairs: string];

  /** @param redis a connection of connectRedis; the store ends it on close */
  constructor(
    private readonly redis: Redis,
    options: RedisClaimStoreOptions = {},
  ) {
    this.runner = new ScriptRunner(redis);
    this.scripts = buildScripts(options.nowSource);
    this.prefix = options.prefix ?? "nexus";
    this.limits = [
      String(options.maxCandidates ?? MAX_CANDIDATES),
      String(options.maxSteps ?? MAX_STEPS),
      String(MAX_PAIRS),
    ];
  }

  async acquire(scope: ClaimScope, request: AcquireRequest): Promise<AcquireOutcome> {
    const { claimId, featureId, sessionId, ttlMs, touches } = request;
    return decodeAcquired(
      await this.run("acquireClaim", scope, [
        claimId,
        featureId,
        sessionId,
        String(ttlMs),
        String(PROVISIONAL_DEADLINE_MS),
        touchesToJson(touches),
        ...this.limits,
      ]),
    );
  }

  async confirm(scope: ClaimScope, claimId: ClaimId): Promise<ConfirmOutcome> {
    return decodeConfirmed(await this.run("confirmClaim", scope, [claimId]));
  }

  async release(scope: ClaimScope, claimIds: readonly ClaimId[]): Promise<{ readonly kind: "released" } | Recovering> {
    return decodeReleased(await this.run("releaseClaims", scope, claimIds));
  }

  async check(
    scope: ClaimScope,
    touches: readonly Pattern[],
  ): Promise<
    | { readonly kind: "checked"; readonly held: readonly BlockedTouch[] }
    | { readonly kind: "too-broad"; readonly touch: number }
    | Recovering
  > {
    const asked = touchesToJson(touches.map((pattern) => ({ pattern, mode: "exclusive" })));
    return decodeChecked(await this.run("checkTouches", scope, [asked, ...this.limits]));
  }

  async list(
    scope: ClaimScope,
    sessionId?: SessionId,
  ): Promise<{ readonly kind: "listed"; readonly claims: readonly ListedClaim[] } | Recovering> {
    const claims: ListedClaim[] = [];
    let cursor: string | undefined = "";
    while (cursor !== undefined) {
      const page = decodeClaimPage(
        await this.run("listClaims", scope, [sessionId ?? "", cursor, String(LIST_PAGE_SIZE)]),
      );
      if (page.kind === "recovering") {
        return page;
      }
      claims.push(...page.claims);
      cursor = page.next;
    }
    return { kind: "listed", claims };
  }

  async openSession(scope: ClaimScope, sessionId: SessionId, ttlMs: number): Promise<LeaseOutcome> {
    return decodeLease(await this.run("openSession", scope, [sessionId, String(ttlMs)]));
  }

  async heartbeat(scope: ClaimScope, sessionId: SessionId, ttlMs: number): Promise<LeaseOutcome> {
    return decodeLease(await this.run("heartbeatSession", scope, [sessionId, String(ttlMs)]));
  }

  async endSession(
    scope: ClaimScope,
    sessionId: SessionId,
    drainMs: number,
  ): Promise<{ readonly kind: "ended" } | Recovering> {
    return decodeEnded(await this.run("endSession", scope, [sessionId, String(drainMs)]));
  }

  async listLeases(scope: ClaimScope): ReturnType<ClaimStore["listLeases"]> {
    return decodeLeases(await this.run("listLeases", scope, []));
  }

  async dueWork(scope: ClaimScope, limit: number): Promise<DueWork | Recovering> {
    return decodeDueWork(await this.run("listDueWork", scope, [String(limit)]));
  }

  async beginRebuild(
    scope: ClaimScope,
    intent: string,
  ): Promise<{ readonly kind: "begun" } | { readonly kind: "superseded" }> {
    this.runner.forgetIdentity();
    return decodeBegun(await this.run("beginRebuild", scope, [intent]));
  }

  async rebuildSession(
    scope: ClaimScope,
    intent: string,
    sessionId: SessionId,
    ttlMs: number,
  ): Promise<RebuildOutcome> {
    return decodeRebuilt(await this.run("rebuildSession", scope, [intent, sessionId, String(ttlMs)]));
  }

  async rebuildClaim(scope: ClaimScope, intent: string, claim: RebuiltClaim): Promise<RebuildOutcome> {
    return decodeRebuilt(
      await this.run("rebuildClaim", scope, [
        intent,
        claim.claimId,
        claim.featureId,
        claim.sessionId,
        String(claim.fencingToken),
        String(claim.acquireTime.getTime()),
        touchesToJson(claim.touches),
      ]),
    );
  }

  async finishRebuild(scope: ClaimScope, intent: string, grantDelayMs = 0): Promise<RebuildOutcome> {
    return decodeRebuilt(await this.run("finishRebuild", scope, [intent, String(grantDelayMs)]));
  }

  async deleteProject(projectId: ProjectId): Promise<void> {
    await this.runner.guard(() => this.redis.unlink(...projectKeys(this.prefix, projectId)));
  }

  async ping(): Promise<void> {
    await this.runner.guard(() => this.redis.ping());
  }

  async close(): Promise<void> {
    await this.redis.quit().catch(() => this.redis.disconnect());
  }

  private run(name: ScriptName, scope: ClaimScope, rest: readonly string[]): Promise<readonly Reply[]> {
    return this.runner.run(this.scripts[name], projectKeys(this.prefix, scope.projectId), scope.epoch, rest);
  }
}

/** Touches as lua/index.lua takes and keeps them. */
function touchesToJson(touches: AcquireRequest["touches"]): string {
  return JSON.stringify(touches.map(({ pattern, mode }) => ({ path: pattern.text, mode, terms: indexTerms(pattern) })));
}
