import type { BlockedTouch, ClaimState, ClaimTouch, LeaseOutcome, LiveClaim } from "../../domain/claims/claim-store.ts";
import { MAX_PAIRS, MAX_PAIRS_PER_TOUCH } from "../../domain/claims/search-limits.ts";
import { SearchBudgetSpentError, TouchIndex } from "../../domain/claims/touch-index.ts";
import type { ClaimId, FeatureId, SessionId } from "../../domain/ids.ts";

/** A claim as it is kept; times in milliseconds. */
export interface ClaimRecord {
  readonly claimId: ClaimId;
  readonly featureId: FeatureId;
  readonly sessionId: SessionId;
  readonly fencingToken: bigint;
  readonly acquired: number;
  touches: readonly ClaimTouch[];
  state: ClaimState;
  /** The deadline of a provisional claim, the end of the lock-delay of a draining one. */
  ends: number;
}

/** How much one search may look at and answer. */
export interface SearchLimits {
  readonly candidates: number;
  readonly steps: number;
}

export type SearchResult =
  | { readonly kind: "checked"; readonly held: readonly BlockedTouch[] }
  | { readonly kind: "too-broad"; readonly touch: number };

const TOKENS_PER_EPOCH = 2n ** 32n;
const BOTH_MODES = ["exclusive", "shared"] as const;
const EXCLUSIVE_ONLY = ["exclusive"] as const;

/** The claims and leases of one project in one epoch. `now` is always the store's time in milliseconds. */
export class ProjectClaims {
  ready = false;
  private tokens = 0;
  private readonly index = new TouchIndex<ClaimId>();
  private readonly claims = new Map<ClaimId, ClaimRecord>();
  private readonly claimsByFeature = new Map<FeatureId, Set<ClaimRecord>>();
  private readonly claimsBySession = new Map<SessionId, Set<ClaimRecord>>();
  private readonly leases = new Map<SessionId, number>();

  constructor(
    readonly epoch: number,
    readonly intent: string,
    /** When the reconciler last looked after everything that was due. */
    public tick: number,
  ) {}

  /** What is kept of claims, leases and index, by name. */
  leftovers(): readonly string[] {
    const sizes = {
      claims: this.claims.size,
      features: this.claimsByFeature.size,
      holdings: this.claimsBySession.size,
      leases: this.leases.size,
      index: this.index.isEmpty ? 0 : 1,
    };
    return Object.entries(sizes).flatMap(([name, size]) => (size > 0 ? [name] : []));
  }

  nextToken(): bigint {
    this.tokens += 1;
    return BigInt(this.epoch) * TOKENS_PER_EPOCH + BigInt(this.tokens);
  }

  claim(claimId: ClaimId): ClaimRecord | undefined {
    return this.claims.get(claimId);
  }

  /** The live claim of a feature with the lowest token, but for those that are passed over. */
  firstOfFeature(
    featureId: FeatureId,
    now: number,
    passesOver: (claim: ClaimRecord) => boolean,
  ): ClaimRecord | undefined {
    return [...(this.claimsByFeature.get(featureId) ?? [])]
      .filter((claim) => isLive(claim, now) && !passesOver(claim))
      .reduce<ClaimRecord | undefined>(
        (first, claim) => (first === undefined || claim.fencingToken < first.fencingToken ? claim : first),
        undefined,
      );
  }

  /** The live claims of the project, or of one session. */
  liveClaims(now: number, sessionId?: SessionId): ClaimRecord[] {
    const claims = sessionId === undefined ? this.claims.values() : this.claimsOfSession(sessionId);
    return [...claims].filter((claim) => isLive(claim, now));
  }

  /** The claims of a session, draining ones past their time included. */
  claimsOfSession(sessionId: SessionId): ClaimRecord[] {
    return [...(this.claimsBySession.get(sessionId) ?? [])];
  }

  /** At most `limit` claims in this state whose time has come, longest due first. */
  dueClaims(state: ClaimState, now: number, limit: number): ClaimRecord[] {
    return [...this.claims.values()]
      .filter((claim) => claim.state === state && claim.ends <= now)
      .sort((a, b) => a.ends - b.ends)
      .slice(0, limit);
  }

  add(claim: ClaimRecord): void {
    this.claims.set(claim.claimId, claim);
    addTo(this.claimsByFeature, claim.featureId, claim);
    addTo(this.claimsBySession, claim.sessionId, claim);
    this.index.add(claim.claimId, claim.touches);
  }

  forget(claimId: ClaimId): void {
    const claim = this.claims.get(claimId);
    if (claim === undefined) {
      return;
    }
    this.claims.delete(claimId);
    removeFrom(this.claimsByFeature, claim.featureId, claim);
    removeFrom(this.claimsBySession, claim.sessionId, claim);
    this.index.remove(claimId);
  }

  /** Frees every touch of a claim that is not among these, by its text and mode. */
  retain(claimId: ClaimId, touches: readonly ClaimTouch[]): void {
    const claim = this.claims.get(claimId);
    if (claim === undefined) {
      return;
    }
    const stays = new Set(touches.map(touchKey));
    claim.touches = claim.touches.filter((touch) => stays.has(touchKey(touch)));
    this.index.remove(claimId);
    this.index.add(claimId, claim.touches);
  }

  /**
   * Ends a claim uncleanly: draining for so long, or freed at once when that is 0. One that drains keeps its time.
   * Answers whether it was known.
   */
  drain(claimId: ClaimId, now: number, drainMs: number): boolean {
    const claim = this.claims.get(claimId);
    if (drainMs === 0) {
      this.forget(claimId);
    } else if (claim !== undefined && claim.state !== "draining") {
      claim.state = "draining";
      claim.ends = now + drainMs;
    }
    return claim !== undefined;
  }

  /** Whether anything here ends by itself as time passes, but for what nobody was told of. */
  get runsByTime(): boolean {
    return this.leases.size > 0 || [...this.claims.values()].some((claim) => claim.state === "draining");
  }

  /** The end of every lease, earliest first. */
  leaseEnds(): [SessionId, number][] {
    return [...this.leases].sort(([, a], [, b]) => a - b);
  }

  hasLease(sessionId: SessionId): boolean {
    return this.leases.has(sessionId);
  }

  isAlive(sessionId: SessionId, now: number): boolean {
    return (this.leases.get(sessionId) ?? 0) > now;
  }

  /** Renews a lease, never to less than was promised before. Returns its end. */
  renew(sessionId: SessionId, until: number): number {
    const expire = Math.max(this.leases.get(sessionId) ?? 0, until);
    this.leases.set(sessionId, expire);
    return expire;
  }

  endLease(sessionId: SessionId): void {
    this.leases.delete(sessionId);
  }

  /** Each pair of touch and live claim that overlap, once: all of them, at most MAX_PAIRS for each touch. */
  findHeld(touches: readonly ClaimTouch[], now: number, limits: SearchLimits): SearchResult {
    return this.search(
      touches,
      now,
      limits,
      () => BOTH_MODES,
      (ofTouch) => ofTouch >= MAX_PAIRS,
    );
  }

  /** As findHeld, but without what two shared touches excuse or is passed over, and bounded as a refusal is. */
  findConflicts(
    touches: readonly ClaimTouch[],
    now: number,
    limits: SearchLimits,
    passesOver: (claim: ClaimRecord) => boolean,
  ): SearchResult {
    const modes = (touch: ClaimTouch) => (touch.mode === "shared" ? EXCLUSIVE_ONLY : BOTH_MODES);
    const enough = (ofTouch: number, together: number) => ofTouch >= MAX_PAIRS_PER_TOUCH || together >= MAX_PAIRS;
    return this.search(touches, now, limits, modes, enough, passesOver);
  }

  /** A claim as callers see it. */
  describe(claim: ClaimRecord, now: number): LiveClaim {
    const { claimId, featureId, sessionId, fencingToken, state, acquired, ends } = claim;
    const draining = state === "draining";
    const expire = draining ? ends : (this.leases.get(sessionId) ?? 0);
    return {
      claimId,
      featureId,
      sessionId,
      fencingToken,
      state,
      acquireTime: new Date(acquired),
      expireTime: new Date(expire),
      sessionExpired: !draining && expire <= now,
      overdue: state === "provisional" && ends <= now,
    };
  }

  /** Renews a lease and describes what the session holds. */
  renewed(sessionId: SessionId, ttlMs: number, now: number): LeaseOutcome {
    const expireTime = new Date(this.renew(sessionId, now + ttlMs));
    const claims = this.liveClaims(now, sessionId).map((claim) => this.describe(claim, now));
    return { kind: "alive", expireTime, claims };
  }

  private search(
    touches: readonly ClaimTouch[],
    now: number,
    { candidates, steps }: SearchLimits,
    modesFor: (touch: ClaimTouch) => readonly ClaimTouch["mode"][],
    enough: (ofTouch: number, together: number) => boolean,
    passesOver: (claim: ClaimRecord) => boolean = () => false,
  ): SearchResult {
    const budget = { candidates, steps };
    const held: BlockedTouch[] = [];
    for (const [number, touch] of touches.entries()) {
      const found = new Set<ClaimId>();
      if (enough(0, held.length)) {
        break;
      }
      try {
        for (const { owner: claimId, text, mode } of this.index.overlapping(touch.pattern, modesFor(touch), budget)) {
          const claim = this.claims.get(claimId);
          if (claim === undefined || found.has(claimId) || !isLive(claim, now) || passesOver(claim)) {
            continue;
          }
          found.add(claimId);
          held.push({ touch: number, heldPath: text, heldMode: mode, claim: this.describe(claim, now) });
          if (enough(found.size, held.length)) {
            break;
          }
        }
      } catch (error) {
        if (error instanceof SearchBudgetSpentError) {
          return { kind: "too-broad", touch: number };
        }
        throw error;
      }
    }
    return { kind: "checked", held };
  }
}

/** A draining claim whose lock-delay has passed stands in nobody's way any more. */
function isLive(claim: ClaimRecord, now: number): boolean {
  return claim.state !== "draining" || claim.ends > now;
}

function touchKey({ pattern, mode }: ClaimTouch): string {
  return `${mode} ${pattern.text}`;
}

function addTo<Key>(claims: Map<Key, Set<ClaimRecord>>, key: Key, claim: ClaimRecord): void {
  claims.set(key, (claims.get(key) ?? new Set()).add(claim));
}

function removeFrom<Key>(claims: Map<Key, Set<ClaimRecord>>, key: Key, claim: ClaimRecord): void {
  const rest = claims.get(key);
  rest?.delete(claim);
  if (rest?.size === 0) {
    claims.delete(key);
  }
}
