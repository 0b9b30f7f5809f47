import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type {
  AcquireOutcome,
  AcquireRequest,
  ClaimMode,
  ClaimScope,
  ClaimStore,
  ClaimTouch,
  ExtendOutcome,
  ExtendRequest,
  LiveClaim,
} from "../domain/claims/claim-store.ts";
import type { Branded, ClaimId, FeatureId, ProjectId, SessionId } from "../domain/ids.ts";
import { parsePatterns } from "../domain/paths/parse-patterns.ts";
import type { Pattern } from "../domain/paths/pattern.ts";

/** A claim store with what a test needs beside its port. */
export interface StoreUnderTest {
  readonly store: ClaimStore;
  /** Moves the store's time. */
  advance(ms: number): Promise<void>;
  /** What the store still keeps of a project's claims, leases and index, by name; empty when that is nothing. */
  leftovers(projectId: ProjectId): Promise<readonly string[]>;
}

/** Bounds of one search; small ones let a test reach them. And of time that passes without a tick: none by default. */
export interface SearchBounds {
  readonly maxTickGapMs?: number;
  readonly maxCandidates?: number;
  readonly maxSteps?: number;
}

export type StoreFactory = (bounds?: SearchBounds) => Promise<StoreUnderTest>;

export type GrantedClaim = Pick<AcquireRequest, "claimId" | "featureId" | "sessionId"> &
  Extract<AcquireOutcome, { kind: "granted" }>;

export const TTL_MS = 60_000;
export const LOCK_DELAY_MS = 15_000;

/** A new id of any kind. */
export function newId<Name extends string>(): Branded<Name> {
  return randomUUID() as Branded<Name>;
}

/** An entry of the path language, folded as in most projects. */
export function pattern(text: string): Pattern {
  const [parsed] = parsePatterns([text], { caseSensitive: false }, () => text);
  if (parsed === undefined) {
    throw new Error(`nothing was parsed from ${text}`);
  }
  return parsed;
}

export function touch(text: string, mode: ClaimMode = "exclusive"): ClaimTouch {
  return { pattern: pattern(text), mode };
}

function asTouch(each: string | ClaimTouch): ClaimTouch {
  return typeof each === "string" ? touch(each) : each;
}

/** One served project in a store, with short forms of what tests do most. */
export class ProjectFixture {
  private constructor(
    readonly under: StoreUnderTest,
    readonly scope: ClaimScope,
  ) {}

  /** A project that is served at this epoch. */
  static async create(under: StoreUnderTest, epoch = 1): Promise<ProjectFixture> {
    const scope = { projectId: newId<"ProjectId">(), epoch };
    expect(await under.store.beginRebuild(scope, "first")).toEqual({ kind: "begun" });
    expect(await under.store.finishRebuild(scope, "first")).toEqual({ kind: "rebuilt" });
    return new ProjectFixture(under, scope);
  }

  /** A project that is served already. */
  static at(under: StoreUnderTest, scope: ClaimScope): ProjectFixture {
    return new ProjectFixture(under, scope);
  }

  get store(): ClaimStore {
    return this.under.store;
  }

  advance(ms: number): Promise<void> {
    return this.under.advance(ms);
  }

  leftovers(): Promise<readonly string[]> {
    return this.under.leftovers(this.scope.projectId);
  }

  async session(ttlMs = TTL_MS): Promise<SessionId> {
    const sessionId = newId<"SessionId">();
    expect((await this.store.openSession(this.scope, sessionId, ttlMs)).kind).toBe("alive");
    return sessionId;
  }

  /** Asks for these touches, exclusive where only a text is given, as a new claim of a new feature. */
  acquire(
    sessionId: SessionId,
    touches: readonly (string | ClaimTouch)[],
    given: Partial<AcquireRequest> = {},
  ): Promise<AcquireOutcome> {
    return this.store.acquire(this.scope, {
      claimId: newId<"ClaimId">(),
      featureId: newId<"FeatureId">(),
      sessionId,
      ttlMs: TTL_MS,
      touches: touches.map(asTouch),
      ...given,
    });
  }

  /** As acquire, and it has to succeed. */
  async grant(
    sessionId: SessionId,
    touches: readonly (string | ClaimTouch)[],
    given: Partial<AcquireRequest> = {},
  ): Promise<GrantedClaim> {
    const claimId = given.claimId ?? newId<"ClaimId">();
    const featureId = given.featureId ?? newId<"FeatureId">();
    const outcome = await this.acquire(sessionId, touches, { ...given, claimId, featureId });
    if (outcome.kind !== "granted") {
      throw new Error(`refused: ${outcome.kind}`);
    }
    return { ...outcome, claimId, featureId, sessionId };
  }

  /** Asks for a further claim beside a pick's, for its session and feature unless others are given. */
  extend(
    pick: GrantedClaim,
    touches: readonly (string | ClaimTouch)[],
    given: Partial<ExtendRequest> = {},
  ): Promise<ExtendOutcome> {
    const { claimId: alongside, featureId, sessionId } = pick;
    return this.store.acquire(this.scope, {
      claimId: newId<"ClaimId">(),
      featureId,
      sessionId,
      ttlMs: TTL_MS,
      touches: touches.map(asTouch),
      alongside,
      ...given,
    });
  }

  /** As extend, and it has to succeed; confirmed. */
  async grantBeside(pick: GrantedClaim, touches: readonly (string | ClaimTouch)[]): Promise<GrantedClaim> {
    const { featureId, sessionId } = pick;
    const claimId = newId<"ClaimId">();
    const outcome = await this.extend(pick, touches, { claimId });
    if (outcome.kind !== "granted") {
      throw new Error(`refused: ${outcome.kind}`);
    }
    expect((await this.store.confirm(this.scope, claimId)).kind).toBe("confirmed");
    return { ...outcome, claimId, featureId, sessionId };
  }

  /** A claim of a session and feature of its own, confirmed. */
  async hold(...touches: (string | ClaimTouch)[]): Promise<GrantedClaim> {
    const granted = await this.grant(await this.session(), touches);
    expect((await this.store.confirm(this.scope, granted.claimId)).kind).toBe("confirmed");
    return granted;
  }

  release(...claims: { readonly claimId: ClaimId }[]): Promise<unknown> {
    return this.store.release(
      this.scope,
      claims.map(({ claimId }) => claimId),
    );
  }

  /** The live claims by id. */
  async claims(sessionId?: SessionId): Promise<Map<ClaimId, LiveClaim>> {
    const listed = await this.store.list(this.scope, sessionId);
    if (listed.kind !== "listed") {
      throw new Error(listed.kind);
    }
    return new Map(listed.claims.map((claim) => [claim.claimId, claim]));
  }

  /** The ids of the claims that a check of this touch names. */
  async holders(text: string): Promise<ClaimId[]> {
    const checked = await this.store.check(this.scope, [pattern(text)]);
    if (checked.kind !== "checked") {
      throw new Error(checked.kind);
    }
    return checked.held.map(({ claim }) => claim.claimId);
  }

  /** The end of a session's lease; undefined when the store does not know it. */
  async leaseEnd(sessionId: SessionId): Promise<number | undefined> {
    const listed = await this.store.listLeases(this.scope);
    if (listed.kind !== "listed") {
      throw new Error(listed.kind);
    }
    return listed.leases.find((lease) => lease.sessionId === sessionId)?.expireTime.getTime();
  }
}

/** A feature id for tests that name it twice. */
export function newFeature(): FeatureId {
  return newId<"FeatureId">();
}
