import type { Redis } from "ioredis";
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
import { MAX_CANDIDATES, MAX_PAIRS, MAX_PAIRS_PER_TOUCH } from "../../domain/claims/search-limits.ts";
import type { ClaimId, ProjectId, SessionId } from "../../domain/ids.ts";
import type { Pattern } from "../../domain/paths/pattern.ts";
import { MAX_STEPS_PER_PAIR } from "../../domain/paths/sequence-overlap.ts";
import { indexTerms } from "./index-terms.ts";
import { projectKeys } from "./keys.ts";
import { RedisCluster } from "./redis-cluster.ts";
import { type RedisServers, SingleRedis } from "./redis-servers.ts";
import {
  decodeAcquired,
  decodeBegun,
  decodeChecked,
  decodeClaimPage,
  decodeConfirmed,
  decodeDrained,
  decodeDueWork,
  decodeEnded,
  decodeLease,
  decodeLeases,
  decodeRebuilt,
  decodeRebuiltClaim,
  decodeReleased,
  decodeRetained,
} from "./replies.ts";
import { type Reply, ScriptRunner } from "./script-runner.ts";
import { buildScripts, type Script, type ScriptName } from "./scripts.ts";

export interface RedisClaimStoreOptions {
  /** What every key begins with: `nexus` by default. */
  readonly prefix?: string;
  /** Entries that one call may look at before a touch counts as too broad. */
  readonly maxCandidates?: number;
  /** Work that one call may take before a touch counts as too broad; lua/ranges.lua and search.lua say what counts how much. */
  readonly maxUnits?: number;
  /** Lua that takes the place of lua/clock.lua, for tests that move the time. */
  readonly nowSource?: string;
}

/**
 * On a machine with two busy cores a unit was measured at 0.1 µs of the processor, half of it when nothing else runs. So
 * the dearest search takes 14 ms there, and with the writes of the largest claim, which are not counted, a script keeps
 * to about 20 ms also where Redis does not have a processor for itself.
 */
const MAX_UNITS = 140_000;
const LIST_PAGE_SIZE = 64;

/** Keeps claims and leases in Redis; each call is one Lua script, decided by the time of Redis. */
export class RedisClaimStore implements ClaimStore {
  private readonly servers: RedisServers;
  private readonly runner: ScriptRunner;
  private readonly scripts: Record<ScriptName, Script>;
  private readonly prefix: string;
  private readonly limits: readonly [maxCandidates: string, maxUnits: string];

  /** @param redis a connection of connectRedis or of RedisCluster.connect; the store ends it on close */
  constructor(
    private readonly redis: Redis | RedisCluster,
    options: RedisClaimStoreOptions = {},
  ) {
    this.servers = redis instanceof RedisCluster ? redis : new SingleRedis(redis);
    this.runner = new ScriptRunner(this.servers);
    this.scripts = buildScripts(options.nowSource);
    this.prefix = options.prefix ?? "nexus";
    this.limits = [String(options.maxCandidates ?? MAX_CANDIDATES), String(options.maxUnits ?? MAX_UNITS)];
  }

  acquire(scope: ClaimScope, request: ExtendRequest): Promise<ExtendOutcome>;
  acquire(scope: ClaimScope, request: AcquireRequest): Promise<AcquireOutcome>;
  async acquire(scope: ClaimScope, request: AcquireRequest & { readonly alongside?: ClaimId }): Promise<ExtendOutcome> {
    const { claimId, featureId, sessionId, ttlMs, touches, alongside = "", replaces = [] } = request;
    return decodeAcquired(
      await this.run("acquireClaim", scope, [
        claimId,
        featureId,
        sessionId,
        String(ttlMs),
        String(PROVISIONAL_DEADLINE_MS),
        touchesToJson(touches),
        ...this.limits,
        String(MAX_PAIRS),
        String(MAX_PAIRS_PER_TOUCH),
        String(MAX_STEPS_PER_PAIR),
        alongside,
        ...replaces,
      ]),
    );
  }

  async confirm(scope: ClaimScope, claimId: ClaimId, replaces: readonly ClaimId[] = []): Promise<ConfirmOutcome> {
    return decodeConfirmed(await this.run("confirmClaim", scope, [claimId, ...replaces]));
  }

  async release(scope: ClaimScope, claimIds: readonly ClaimId[]): Promise<{ readonly kind: "released" } | Recovering> {
    return decodeReleased(await this.run("releaseClaims", scope, claimIds));
  }

  async retainTouches(
    scope: ClaimScope,
    claimId: ClaimId,
    touches: readonly ClaimTouch[],
  ): Promise<{ readonly kind: "retained" } | Recovering> {
    const stays = JSON.stringify(touches.map(({ pattern, mode }) => ({ path: pattern.text, mode })));
    return decodeRetained(await this.run("retainTouches", scope, [claimId, stays]));
  }

  async drain(
    scope: ClaimScope,
    claimIds: readonly ClaimId[],
    drainMs: number,
  ): Promise<{ readonly kind: "drained"; readonly unknown: readonly ClaimId[] } | Recovering> {
    return decodeDrained(await this.run("drainClaims", scope, [String(drainMs), ...claimIds]));
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
    const limits = [...this.limits, String(MAX_PAIRS), String(MAX_STEPS_PER_PAIR)];
    return decodeChecked(await this.run("checkTouches", scope, [asked, ...limits]));
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
    free: readonly ClaimId[] = [],
  ): Promise<{ readonly kind: "ended" } | Recovering> {
    return decodeEnded(await this.run("endSession", scope, [sessionId, String(drainMs), ...free]));
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
    return decodeBegun(await this.run("beginRebuild", scope, [intent], true));
  }

  async rebuildSession(
    scope: ClaimScope,
    intent: string,
    sessionId: SessionId,
    ttlMs: number,
  ): Promise<RebuildOutcome> {
    return decodeRebuilt(await this.run("rebuildSession", scope, [intent, sessionId, String(ttlMs)]));
  }

  async rebuildClaim(
    scope: ClaimScope,
    intent: string,
    claim: RebuiltClaim,
  ): Promise<RebuildOutcome | { readonly kind: "overlaps" }> {
    return decodeRebuiltClaim(
      await this.run("rebuildClaim", scope, [
        intent,
        claim.claimId,
        claim.featureId,
        claim.sessionId,
        String(claim.fencingToken),
        String(claim.acquireTime.getTime()),
        touchesToJson(claim.touches),
        String(claim.drainMs ?? ""),
        ...this.limits,
        String(MAX_STEPS_PER_PAIR),
      ]),
    );
  }

  async finishRebuild(scope: ClaimScope, intent: string): Promise<RebuildOutcome> {
    return decodeRebuilt(await this.run("finishRebuild", scope, [intent]));
  }

  async deleteProject(projectId: ProjectId): Promise<void> {
    const keys = projectKeys(this.prefix, projectId);
    await this.runner.at(keys, (redis) => redis.unlink(...keys));
  }

  async ping(): Promise<void> {
    await this.runner.guard(async () => Promise.all((await this.servers.all()).map((redis) => redis.ping())));
  }

  async close(): Promise<void> {
    if (this.redis instanceof RedisCluster) {
      await this.redis.close();
      return;
    }
    const { redis } = this;
    await redis.quit().catch(() => redis.disconnect());
  }

  private run(
    name: ScriptName,
    scope: ClaimScope,
    rest: readonly string[],
    askAnew = false,
  ): Promise<readonly Reply[]> {
    const keys = projectKeys(this.prefix, scope.projectId);
    return this.runner.run(this.scripts[name], keys, scope.epoch, rest, askAnew);
  }
}

/** Touches as lua/index.lua takes and keeps them. */
function touchesToJson(touches: AcquireRequest["touches"]): string {
  return JSON.stringify(touches.map(({ pattern, mode }) => ({ path: pattern.text, mode, terms: indexTerms(pattern) })));
}
