import fc from "fast-check";
import { expect, test } from "vitest";
import type { BlockedTouch, ClaimMode, ListedClaim, LiveClaim } from "../domain/claims/claim-store.ts";
import type { ClaimId, FeatureId, SessionId } from "../domain/ids.ts";
import { ClaimModel, type ModelTouch } from "./claim-model.ts";
import { newId, ProjectFixture, pattern, type StoreFactory, touch } from "./claim-store-fixture.ts";
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
  | { readonly do: "confirm"; readonly claim: number }
  | { readonly do: "release"; readonly claims: readonly number[] }
  | { readonly do: "check"; readonly paths: readonly string[] }
  | { readonly do: "end"; readonly session: number; readonly drain: number }
  | { readonly do: "look"; readonly session: number }
  | { readonly do: "advance"; readonly ms: number };

const SESSIONS = 3;
const FEATURES = 4;
const EPOCH = 3;

/** What most histories would need anyway before anything else is granted. */
const OPENING: readonly Action[] = Array.from({ length: SESSIONS }, (_, session) => ({
  do: "open",
  session,
  ttl: 10_000,
}));

const session = fc.nat(SESSIONS - 1);
const ttl = fc.constantFrom(1_000, 10_000, 60_000);
const claim = fc.nat(5);
const path = fc
  .array(fc.constantFrom(...oracleSegments), { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join("/"));
const mode = fc.constantFrom<ClaimMode>("exclusive", "shared");
const touches = fc.array(fc.record<ModelTouch>({ path, mode }), { maxLength: 3 });

const action: fc.Arbitrary<Action> = fc.oneof(
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
  { weight: 3, arbitrary: fc.record({ do: fc.constant("confirm" as const), claim }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("release" as const), claims: fc.array(claim, { maxLength: 2 }) }),
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

/**
 * Random histories against the model: every answer has to be the model's. `NEXUS_PROPERTY_RUNS` sets how many,
 * `NEXUS_PROPERTY_SEED` and `NEXUS_PROPERTY_PATH` replay one that failed.
 *
 * @param runs how many when the environment does not say
 * @param file the test file, for the command that replays a failure
 */
export function claimStoreProperties(create: StoreFactory, { runs, file }: { runs: number; file: string }): void {
  test("every answer of every history is that of the model, no two claims overlap, and nothing is left at the end", async () => {
    const under = await create();
    await assertProperty(
      fc.asyncProperty(fc.array(action, { maxLength: 40, size: "max" }), async (history) => {
        const run = await History.begin(await ProjectFixture.create(under, EPOCH));
        for (const each of [...OPENING, ...history]) {
          await run.step(each);
        }
        await run.end();
      }),
      { runs, file },
    );
  });

  test("whether two claims get along does not depend on which came first", async () => {
    const under = await create();
    await assertProperty(
      fc.asyncProperty(touches, touches, async (one, other) => {
        const project = await ProjectFixture.create(under);
        const kinds = [];
        for (const [first, second] of [
          [one, other],
          [other, one],
        ] as const) {
          const held = await project.hold(...first.map(compiled));
          const outcome = await project.acquire(held.sessionId, second.map(compiled));
          kinds.push(outcome.kind);
          await project.store.endSession(project.scope, held.sessionId, 0);
        }
        expect(kinds[0]).toBe(kinds[1]);
      }),
      { runs, file },
    );
  });
}

/** One history, run on the store and on the model side by side. */
class History {
  private readonly sessions = Array.from({ length: SESSIONS }, () => newId<"SessionId">());
  private readonly features = Array.from({ length: FEATURES }, () => newId<"FeatureId">());
  private readonly granted: ClaimId[] = [];
  private lastClaimId = newId<"ClaimId">();

  private constructor(
    private readonly project: ProjectFixture,
    private readonly model: ClaimModel,
  ) {}

  /** Reads the store's time off a lease, so that the model's begins with it. */
  static async begin(project: ProjectFixture): Promise<History> {
    const probe = newId<"SessionId">();
    const opened = await project.store.openSession(project.scope, probe, 1_000);
    await project.store.endSession(project.scope, probe, 0);
    if (opened.kind !== "alive") throw new Error(opened.kind);
    return new History(project, new ClaimModel(project.scope.epoch, opened.expireTime.getTime() - 1_000));
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
        return this.acquire(action);
      case "confirm": {
        const id = this.claim(action.claim);
        expect(await store.confirm(scope, id)).toEqual(model.confirm(id));
        return;
      }
      case "release": {
        const ids = action.claims.map((each) => this.claim(each));
        expect(await store.release(scope, ids)).toEqual({ kind: "released" });
        model.release(ids);
        return;
      }
      case "check": {
        const answer = await store.check(scope, action.paths.map(pattern));
        if (answer.kind !== "checked") throw new Error(answer.kind);
        const asked = action.paths.map((path): ModelTouch => ({ path, mode: "exclusive" }));
        await this.compareBlocked(answer.held, model.check(action.paths), asked);
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
    await this.project.release(...this.granted.map((claimId) => ({ claimId })));
    for (const id of this.sessions) {
      await store.endSession(scope, id, 0);
    }
    expect(await this.project.leftovers()).toEqual([]);
  }

  private async acquire(action: Extract<Action, { do: "acquire" }>): Promise<void> {
    this.lastClaimId = action.again ? this.lastClaimId : newId<"ClaimId">();
    const request = {
      claimId: this.lastClaimId,
      featureId: this.features[action.feature] as FeatureId,
      sessionId: this.session(action.session),
      ttlMs: action.ttl,
    };
    const answer = await this.project.store.acquire(this.project.scope, {
      ...request,
      touches: action.touches.map(compiled),
    });
    const expected = this.model.acquire({ ...request, touches: action.touches });
    if (answer.kind === "conflict" && expected.kind === "conflict") {
      await this.compareBlocked(answer.blocked, expected.blocked, action.touches);
      return;
    }
    expect(answer).toEqual(expected);
    if (answer.kind === "granted") {
      this.granted.push(request.claimId);
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

  /** The same pairs as the model; of a claim's touches any that overlaps and conflicts may be named. */
  private async compareBlocked(
    actual: readonly BlockedTouch[],
    expected: readonly BlockedTouch[],
    asked: readonly ModelTouch[],
  ): Promise<void> {
    const pairs = (blocked: readonly BlockedTouch[]) =>
      new Map(blocked.map((each) => [`${each.touch} ${each.claim.claimId}`, each.claim]));
    expect(pairs(actual)).toEqual(pairs(expected));
    expect(actual).toHaveLength(expected.length);
    for (const { touch, heldPath } of actual) {
      expect(oracleOverlap(heldPath, asked[touch]?.path ?? "")).toBe(true);
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

  /** One of the latest grants, so that most are still there; an unknown claim before the first. */
  private claim(number: number): ClaimId {
    return this.granted.at(-1 - number) ?? newId<"ClaimId">();
  }
}

function compiled({ path, mode }: ModelTouch): ReturnType<typeof touch> {
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

async function assertProperty<Values>(
  property: fc.IAsyncProperty<Values>,
  { runs, file }: { runs: number; file: string },
): Promise<void> {
  const { NEXUS_PROPERTY_RUNS, NEXUS_PROPERTY_SEED, NEXUS_PROPERTY_PATH } = process.env;
  const details = await fc.check(property, {
    numRuns: Number(NEXUS_PROPERTY_RUNS ?? runs),
    ...(NEXUS_PROPERTY_SEED && { seed: Number(NEXUS_PROPERTY_SEED) }),
    ...(NEXUS_PROPERTY_PATH && { path: NEXUS_PROPERTY_PATH }),
  });
  if (details.failed) {
    const replay = `NEXUS_PROPERTY_SEED=${details.seed} NEXUS_PROPERTY_PATH=${details.counterexamplePath ?? ""}`;
    const name = expect.getState().currentTestName?.split(" > ").at(-1) ?? "";
    throw new Error(
      `${await fc.asyncDefaultReportMessage(details)}\n\nreplay: ${replay} npx vitest run ${file} -t '${name}'`,
      {
        cause: details.errorInstance,
      },
    );
  }
}
