import fc from "fast-check";
import { expect } from "vitest";
import type {
  AcquireRequest,
  BlockedTouch,
  ClaimMode,
  ExtendOutcome,
  ListedClaim,
  LiveClaim,
} from "../domain/claims/claim-store.ts";
import { MAX_PAIRS, MAX_PAIRS_PER_TOUCH } from "../domain/claims/search-limits.ts";
import type { ClaimId, FeatureId, SessionId } from "../domain/ids.ts";
import { ClaimModel, type ModelRequest, type ModelTouch } from "./claim-model.ts";
import { newId, type ProjectFixture, pattern, touch } from "./claim-store-fixture.ts";
import { oracleOverlap, oracleSegments } from "./path-oracle.ts";

/** One call of a history. Sessions and features are numbers of a small set, claims are numbers of earlier grants. */
type Action =
  | { readonly do: "open" | "heartbeat"; readonly session: number; readonly ttl: number }
  | {
      readonly do: "acquire";
      readonly session: number;
      readonly feature: number;
      readonly ttl: number;
      readonly touches: readonly ModelTouch[];
      /** Comes with the claim id of the acquire before: a blind repetition. */
      readonly again: boolean;
    }
  /** A further claim beside an earlier one: of its own session and feature, but for strangers. */
  | {
      readonly do: "extend";
      readonly claim: number;
      readonly stranger: number | undefined;
      readonly ttl: number;
      readonly touches: readonly ModelTouch[];
    }
  /** A claim of the same feature as an earlier one, which it replaces, and perhaps others. */
  | {
      readonly do: "takeOver";
      readonly claim: number;
      readonly also: readonly number[];
      readonly session: number;
      readonly ttl: number;
      readonly touches: readonly ModelTouch[];
    }
  | { readonly do: "confirm"; readonly claim: number; readonly replaces: readonly number[] }
  /** Keeps those of the claim's touches whose number is in the list, and names one that it may not have. */
  | { readonly do: "retain"; readonly claim: number; readonly keep: readonly number[]; readonly other: ModelTouch }
  | { readonly do: "drain"; readonly claims: readonly number[]; readonly ms: number }
  | { readonly do: "release"; readonly claims: readonly number[] }
  | { readonly do: "check"; readonly paths: readonly string[] }
  | { readonly do: "end"; readonly session: number; readonly drain: number }
  | { readonly do: "look"; readonly session: number }
  | { readonly do: "advance"; readonly ms: number };

const SESSIONS = 3;
const FEATURES = 4;
/** Numbers of claims below this are of live ones. */
const LATEST = 6;

/** What most histories would need anyway before anything else is granted. */
export const OPENING: readonly Action[] = Array.from({ length: SESSIONS }, (_, session) => ({
  do: "open",
  session,
  ttl: 10_000,
}));

const session = fc.nat(SESSIONS - 1);
const ttl = fc.constantFrom(1_000, 10_000, 60_000);
const claim = fc.nat(LATEST + 1);
const path = fc
  .array(fc.constantFrom(...oracleSegments), { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join("/"));
const mode = fc.constantFrom<ClaimMode>("exclusive", "shared");
const oneTouch = fc.record<ModelTouch>({ path, mode });
export const touches = fc.array(oneTouch, { maxLength: 3 });
const claims = fc.array(claim, { maxLength: 2 });

export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("open" as const), session, ttl }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("heartbeat" as const), session, ttl }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      session,
      feature: fc.nat(FEATURES - 1),
      ttl,
      touches,
      again: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("extend" as const),
      claim,
      stranger: fc.option(session, { nil: undefined, freq: 5 }),
      ttl,
      touches,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("takeOver" as const), claim, also: claims, session, ttl, touches }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("confirm" as const), claim, replaces: claims }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), claims }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("retain" as const),
      claim,
      keep: fc.subarray([0, 1, 2]),
      other: oneTouch,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("drain" as const), claims, ms: fc.constantFrom(0, 1_000, 4_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("check" as const), paths: fc.array(path, { maxLength: 2 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("end" as const), session, drain: fc.constantFrom(0, 4_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("look" as const), session }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 999, 4_000, 8_000) }),
  },
);

type Granted = Pick<AcquireRequest, "claimId" | "featureId" | "sessionId" | "replaces">;

/** One history, run on the store and on the model side by side. */
export class History {
  private readonly sessions = Array.from({ length: SESSIONS }, () => newId<"SessionId">());
  private readonly features = Array.from({ length: FEATURES }, () => newId<"FeatureId">());
  private readonly granted: Granted[] = [];
  private lastClaimId = newId<"ClaimId">();

  private constructor(
    private readonly project: ProjectFixture,
    private readonly model: ClaimModel,
    private readonly seen: Map<string, number>,
  ) {}

  /**
   * Reads the store's time off a lease, so that the model's begins with it.
   *
   * @param seen counts what calls were answered, so that a run can tell what it has tried
   */
  static async begin(project: ProjectFixture, seen: Map<string, number>): Promise<History> {
    const probe = newId<"SessionId">();
    const opened = await project.store.openSession(project.scope, probe, 1_000);
    await project.store.endSession(project.scope, probe, 0);
    if (opened.kind !== "alive") throw new Error(opened.kind);
    return new History(project, new ClaimModel(project.scope.epoch, opened.expireTime.getTime() - 1_000), seen);
  }

  async step(action: Action): Promise<void> {
    const { project, model } = this;
    const { store, scope } = project;
    switch (action.do) {
      case "open":
      case "heartbeat": {
        const id = this.session(action.session);
        const answer =
          action.do === "open"
            ? await store.openSession(scope, id, action.ttl)
            : await store.heartbeat(scope, id, action.ttl);
        expect(sorted(answer)).toEqual(sorted(model[action.do](id, action.ttl)));
        return;
      }
      case "acquire":
        return this.acquire({
          ...this.newRequest(action),
          featureId: this.features[action.feature] as FeatureId,
          sessionId: this.session(action.session),
        });
      case "extend": {
        const pick = this.claim(action.claim);
        return this.acquire({
          ...this.newRequest(action),
          featureId: pick.featureId,
          sessionId: action.stranger === undefined ? pick.sessionId : this.session(action.stranger),
          alongside: pick.claimId,
        });
      }
      case "takeOver": {
        const old = this.claim(action.claim);
        return this.acquire({
          ...this.newRequest(action),
          featureId: old.featureId,
          sessionId: this.session(action.session),
          replaces: [old.claimId, ...this.claimIds(action.also)],
        });
      }
      case "confirm": {
        const { claimId, replaces: asked = [] } = this.claim(action.claim);
        const replaces = [...asked, ...this.claimIds(action.replaces)];
        const before = model.list().length;
        const answer = await store.confirm(scope, claimId, replaces);
        expect(answer).toEqual(model.confirm(claimId, replaces));
        this.count(model.list().length < before ? "confirmed over another" : answer.kind, "confirm");
        return;
      }
      case "retain": {
        const { claimId } = this.claim(action.claim);
        const held = model.list().find((claim) => claim.claimId === claimId)?.touches ?? [];
        const stay = [...held.filter((_, number) => action.keep.includes(number)), action.other];
        expect(await store.retainTouches(scope, claimId, stay.map(toClaimTouch))).toEqual({ kind: "retained" });
        this.count(held.length === stay.length - 1 ? "all" : "some", "retain");
        model.retain(claimId, stay);
        return;
      }
      case "drain": {
        const ids = this.claimIds(action.claims);
        const answer = await store.drain(scope, ids, action.ms);
        expect(answer).toEqual({ kind: "drained", unknown: model.drain(ids, action.ms) });
        return;
      }
      case "release": {
        const ids = this.claimIds(action.claims);
        expect(await store.release(scope, ids)).toEqual({ kind: "released" });
        model.release(ids);
        return;
      }
      case "check": {
        const answer = await store.check(scope, action.paths.map(pattern));
        if (answer.kind !== "checked") throw new Error(answer.kind);
        const asked = action.paths.map((path): ModelTouch => ({ path, mode: "exclusive" }));
        this.compareBlocked(answer.held, model.check(action.paths), asked);
        return;
      }
      case "end": {
        const id = this.session(action.session);
        expect(await store.endSession(scope, id, action.drain)).toEqual({ kind: "ended" });
        model.end(id, action.drain);
        return;
      }
      case "look":
        return this.look(this.session(action.session));
      case "advance":
        await project.advance(action.ms);
        model.advance(action.ms);
    }
  }

  /** Looks at all there is, then frees everything and expects an empty store. */
  async end(): Promise<void> {
    const { store, scope } = this.project;
    await this.look();
    await this.project.release(...this.granted);
    for (const id of this.sessions) {
      await store.endSession(scope, id, 0);
    }
    expect(await this.project.leftovers()).toEqual([]);
  }

  private async acquire(request: ModelRequest): Promise<void> {
    const asked = { ...request, touches: request.touches.map(toClaimTouch) };
    const { store, scope } = this.project;
    const { alongside } = asked;
    const answer: ExtendOutcome =
      alongside === undefined ? await store.acquire(scope, asked) : await store.acquire(scope, { ...asked, alongside });
    const expected = this.model.acquire(request);
    this.count(
      answer.kind,
      alongside !== undefined ? "extend" : asked.replaces !== undefined ? "take over" : "acquire",
    );
    if (answer.kind === "conflict" && expected.kind === "conflict") {
      this.compareBlocked(answer.blocked, expected.blocked, request.touches, MAX_PAIRS_PER_TOUCH);
      for (const { touch, heldMode } of answer.blocked) {
        expect([heldMode, request.touches[touch]?.mode]).toContain("exclusive");
      }
      return;
    }
    expect(answer).toEqual(expected);
    if (answer.kind === "granted") {
      this.granted.push(request);
      expectNoOverlap(await this.listed());
    }
  }

  private async look(sessionId?: SessionId): Promise<void> {
    const { store, scope } = this.project;
    const { model } = this;
    expect(byClaim(await this.listed(sessionId))).toEqual(byClaim(model.list(sessionId)));
    expect(sorted(await store.dueWork(scope, 1_000))).toEqual(sorted(model.dueWork()));
    const leases = await store.listLeases(scope);
    expect(sorted(leases)).toEqual(sorted({ kind: "listed", leases: model.listLeases() }));
  }

  /**
   * The same pairs as the model, `most` of each touch; of a claim's touches any that overlaps and conflicts may be named.
   */
  private compareBlocked(
    actual: readonly BlockedTouch[],
    expected: readonly BlockedTouch[],
    asked: readonly ModelTouch[],
    most = MAX_PAIRS,
  ): void {
    for (const touch of asked.keys()) {
      const named = new Map(ofTouch(actual, touch));
      const all = ofTouch(expected, touch);
      expect(ofTouch(actual, touch)).toHaveLength(Math.min(most, all.length));
      expect(named).toEqual(new Map(all.filter(([claimId]) => named.has(claimId))));
      expect(named.size).toBe(Math.min(most, all.length));
    }
    for (const { touch, heldPath, heldMode, claim } of actual) {
      expect(oracleOverlap(heldPath, asked[touch]?.path ?? "")).toBe(true);
      const held = this.model.list().find(({ claimId }) => claimId === claim.claimId);
      expect(held?.touches).toContainEqual({ path: heldPath, mode: heldMode });
    }
  }

  private async listed(sessionId?: SessionId): Promise<readonly ListedClaim[]> {
    const listed = await this.project.store.list(this.project.scope, sessionId);
    if (listed.kind !== "listed") throw new Error(listed.kind);
    return listed.claims;
  }

  private session(number: number): SessionId {
    return this.sessions[number] as SessionId;
  }

  /** Mostly a claim that is live, else one of the latest grants; an unknown one before the first. */
  private claim(number: number): Granted {
    const live = this.model.list();
    const one = number < LATEST ? live.at(-1 - (number % Math.max(1, live.length)))?.claimId : undefined;
    const unknown = { claimId: newId<"ClaimId">(), featureId: newId<"FeatureId">(), sessionId: this.session(0) };
    return this.granted.find(({ claimId }) => claimId === one) ?? this.granted.at(LATEST - 1 - number) ?? unknown;
  }

  private claimIds(numbers: readonly number[]): ClaimId[] {
    return numbers.map((number) => this.claim(number).claimId);
  }

  private count(answer: string, call: string): void {
    const what = `${call}: ${answer}`;
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  private newRequest(action: {
    readonly ttl: number;
    readonly touches: readonly ModelTouch[];
    readonly again?: boolean;
  }) {
    this.lastClaimId = action.again ? this.lastClaimId : newId<"ClaimId">();
    return { claimId: this.lastClaimId, ttlMs: action.ttl, touches: action.touches };
  }
}

export function toClaimTouch({ path, mode }: ModelTouch): ReturnType<typeof touch> {
  return touch(path, mode);
}

/** Mutual exclusion, seen by the oracle in what the store itself lists. */
function expectNoOverlap(claims: readonly ListedClaim[]): void {
  for (const [i, one] of claims.entries()) {
    for (const other of claims.slice(i + 1).filter(({ featureId }) => featureId !== one.featureId)) {
      for (const a of one.touches) {
        for (const b of other.touches) {
          if (a.mode === "exclusive" || b.mode === "exclusive") {
            expect(oracleOverlap(a.path, b.path), `${a.path} and ${b.path} are both held`).toBe(false);
          }
        }
      }
    }
  }
}

function ofTouch(blocked: readonly BlockedTouch[], touch: number): [ClaimId, LiveClaim][] {
  return blocked.filter((each) => each.touch === touch).map(({ claim }) => [claim.claimId, claim]);
}

function byClaim(claims: readonly LiveClaim[]): Map<ClaimId, LiveClaim> {
  return new Map(claims.map((each) => [each.claimId, each]));
}

/** An answer with its lists in an order of their own, where the port promises none. */
function sorted(answer: object): unknown {
  const key = (value: unknown) => JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}` : inner));
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)) : value,
    ]),
  );
}
