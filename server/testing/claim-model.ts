import {
  type AcquireRequest,
  type BlockedTouch,
  type ClaimMode,
  type ConfirmOutcome,
  type DueWork,
  type ExtendOutcome,
  type LeaseOutcome,
  type ListedClaim,
  type LiveClaim,
  PROVISIONAL_DEADLINE_MS,
} from "../domain/claims/claim-store.ts";
import type { ClaimId, SessionId } from "../domain/ids.ts";
import { oracleOverlap } from "./path-oracle.ts";

/** A touch as the model sees it: text and mode. */
export interface ModelTouch {
  readonly path: string;
  readonly mode: ClaimMode;
}

export type ModelRequest = Omit<AcquireRequest, "touches"> & {
  readonly touches: readonly ModelTouch[];
  readonly alongside?: ClaimId | undefined;
};

interface ModelClaim extends Pick<LiveClaim, "claimId" | "featureId" | "sessionId" | "fencingToken"> {
  touches: readonly ModelTouch[];
  readonly acquired: number;
  state: LiveClaim["state"];
  ends: number;
}

/**
 * What a claim store means, one project in one epoch: lists, loops and the oracle. Short enough to be read against
 * the port; slow, and right.
 */
export class ClaimModel {
  private tokens = 0n;
  private claims: ModelClaim[] = [];
  private readonly leases = new Map<SessionId, number>();

  constructor(
    private readonly epoch: number,
    private now: number,
  ) {}

  advance(ms: number): void {
    this.now += ms;
  }

  open(sessionId: SessionId, ttlMs: number): LeaseOutcome {
    return this.leases.has(sessionId) ? this.heartbeat(sessionId, ttlMs) : this.renew(sessionId, ttlMs);
  }

  heartbeat(sessionId: SessionId, ttlMs: number): LeaseOutcome {
    return this.isAlive(sessionId) ? this.renew(sessionId, ttlMs) : { kind: "session-expired" };
  }

  acquire({ claimId, featureId, sessionId, ttlMs, touches, alongside, replaces = [] }: ModelRequest): ExtendOutcome {
    if (!this.isAlive(sessionId)) {
      return { kind: "session-expired" };
    }
    this.renew(sessionId, ttlMs);
    const ofFeature = this.live().filter((claim) => claim.featureId === featureId);
    const own = ofFeature.filter((claim) => claim.sessionId === sessionId && claim.state !== "draining");
    const replaced = ofFeature.filter((claim) => replaces.includes(claim.claimId));
    const others = ofFeature.filter((claim) => !replaced.includes(claim));
    const held =
      this.claims.find((claim) => claim.claimId === claimId) ?? (alongside === undefined ? lowest(others) : undefined);
    if (held !== undefined) {
      return { kind: "feature-held", claim: this.describe(held) };
    }
    if (alongside !== undefined && !own.some((claim) => claim.claimId === alongside)) {
      return { kind: "claim-gone" };
    }
    const excused = alongside === undefined ? replaced : [...replaced, ...own];
    const blocked = this.overlapping(touches, excused).filter(({ both }) => both !== "shared");
    if (blocked.length > 0) {
      return { kind: "conflict", blocked: blocked.map(({ pair }) => pair) };
    }
    this.tokens += 1n;
    const fencingToken = BigInt(this.epoch) * 2n ** 32n + this.tokens;
    const ends = this.now + PROVISIONAL_DEADLINE_MS;
    const acquired = this.now;
    this.claims.push({ claimId, featureId, sessionId, fencingToken, touches, acquired, state: "provisional", ends });
    return {
      kind: "granted",
      fencingToken,
      acquireTime: new Date(this.now),
      expireTime: new Date(this.leases.get(sessionId) ?? 0),
    };
  }

  confirm(claimId: ClaimId, replaces: readonly ClaimId[] = []): ConfirmOutcome {
    const claim = this.claims.find((each) => each.claimId === claimId);
    if (claim === undefined) {
      return { kind: "gone" };
    }
    if (!this.isAlive(claim.sessionId)) {
      return { kind: "session-expired" };
    }
    if (claim.state === "draining") {
      return { kind: "gone" };
    }
    claim.state = "held";
    const replaced = this.claims.filter(
      (each) => each.featureId === claim.featureId && replaces.includes(each.claimId),
    );
    this.release(replaced.map((each) => each.claimId).filter((id) => id !== claimId));
    return { kind: "confirmed", claim: this.describe(claim) };
  }

  release(claimIds: readonly ClaimId[]): void {
    this.claims = this.claims.filter((claim) => !claimIds.includes(claim.claimId));
  }

  retain(claimId: ClaimId, touches: readonly ModelTouch[]): void {
    for (const claim of this.claims.filter((each) => each.claimId === claimId)) {
      claim.touches = claim.touches.filter(({ path, mode }) =>
        touches.some((each) => each.path === path && each.mode === mode),
      );
    }
  }

  /** Answers those that were not known. */
  drain(claimIds: readonly ClaimId[], drainMs: number): ClaimId[] {
    return claimIds.filter((id) => {
      const claim = this.claims.find(({ claimId }) => claimId === id);
      if (claim !== undefined && drainMs === 0) this.release([id]);
      if (claim !== undefined && claim.state !== "draining") {
        claim.state = "draining";
        claim.ends = this.now + drainMs;
      }
      return claim === undefined;
    });
  }

  check(paths: readonly string[]): BlockedTouch[] {
    return this.overlapping(paths.map((path) => ({ path, mode: "exclusive" }))).map(({ pair }) => pair);
  }

  end(sessionId: SessionId, drainMs: number): void {
    const mine = this.claims.filter((claim) => claim.sessionId === sessionId);
    this.leases.delete(sessionId);
    this.drain(
      mine.map((claim) => claim.claimId),
      drainMs,
    );
  }

  list(sessionId?: SessionId): ListedClaim[] {
    return this.live()
      .filter((claim) => sessionId === undefined || claim.sessionId === sessionId)
      .map((claim) => ({ ...this.describe(claim), touches: claim.touches }));
  }

  listLeases(): { sessionId: SessionId; expireTime: Date; expired: boolean }[] {
    return [...this.leases].map(([sessionId, end]) => ({
      sessionId,
      expireTime: new Date(end),
      expired: !this.isAlive(sessionId),
    }));
  }

  dueWork(): DueWork {
    const due = this.claims.filter((claim) => claim.ends <= this.now);
    return {
      kind: "due",
      expiredSessions: [...this.leases.keys()].filter((sessionId) => !this.isAlive(sessionId)),
      overdueClaims: due.filter(({ state }) => state === "provisional").map((claim) => this.describe(claim)),
      drainedClaims: due.filter(({ state }) => state === "draining").map((claim) => claim.claimId),
    };
  }

  private isAlive(sessionId: SessionId): boolean {
    return (this.leases.get(sessionId) ?? 0) > this.now;
  }

  private renew(sessionId: SessionId, ttlMs: number): LeaseOutcome {
    const end = Math.max(this.leases.get(sessionId) ?? 0, this.now + ttlMs);
    this.leases.set(sessionId, end);
    const claims = this.live().filter((claim) => claim.sessionId === sessionId);
    return { kind: "alive", expireTime: new Date(end), claims: claims.map((claim) => this.describe(claim)) };
  }

  private live(): ModelClaim[] {
    return this.claims.filter((claim) => claim.state !== "draining" || claim.ends > this.now);
  }

  /** Each pair of touch and claim that overlap, and "shared" when all of the claim's that overlap the touch share. */
  private overlapping(
    touches: readonly ModelTouch[],
    excused: readonly ModelClaim[] = [],
  ): { pair: BlockedTouch; both: "shared" | "not" }[] {
    return touches.flatMap((asked, touch) =>
      without(this.live(), excused).flatMap((claim) => {
        const held = claim.touches.filter(({ path }) => oracleOverlap(path, asked.path));
        const hard = held.find(({ mode }) => mode === "exclusive" || asked.mode === "exclusive");
        const named = hard ?? held[0];
        return named === undefined
          ? []
          : [
              {
                pair: { touch, heldPath: named.path, heldMode: named.mode, claim: this.describe(claim) },
                both: hard === undefined ? ("shared" as const) : ("not" as const),
              },
            ];
      }),
    );
  }

  private describe({ claimId, featureId, sessionId, fencingToken, state, acquired, ends }: ModelClaim): LiveClaim {
    const draining = state === "draining";
    return {
      claimId,
      featureId,
      sessionId,
      fencingToken,
      state,
      acquireTime: new Date(acquired),
      expireTime: new Date(draining ? ends : (this.leases.get(sessionId) ?? 0)),
      sessionExpired: !draining && !this.isAlive(sessionId),
      overdue: state === "provisional" && ends <= this.now,
    };
  }
}

function lowest(claims: readonly ModelClaim[]): ModelClaim | undefined {
  return claims.toSorted((a, b) => (a.fencingToken < b.fencingToken ? -1 : 1))[0];
}

function without(claims: readonly ModelClaim[], excused: readonly ModelClaim[]): ModelClaim[] {
  return claims.filter((claim) => !excused.includes(claim));
}
