import { randomUUID } from "node:crypto";
import { NothingAvailableSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { describe, expect, test } from "vitest";
import { startNexus } from "./testing/start-nexus.ts";
import { openWorkplace, refusalOf, type Workplace } from "./testing/workplace.ts";

const MINUTE = 60_000;

async function openPlace(kind: "redis" | "embedded" = "embedded") {
  const nexus = await startNexus(kind);
  return { nexus, ...(await openWorkplace(nexus)) };
}

function next({ ana, projectId }: Workplace, sessionId: string, requestId = "") {
  return ana.features.pickNextFeature({ projectId, sessionId, requestId });
}

/** The slug that a new session is given. */
async function nextSlug(place: Workplace): Promise<string> {
  return (await next(place, await place.session())).feature?.slug ?? "";
}

describe.each(["redis", "embedded"] as const)("with %s claims", (kind) => {
  test("the first feature is given whose dependencies are done and whose files are free", async () => {
    const place = await openPlace(kind);
    await place.ready("later", ["c"], { lane: Lane.LATER });
    await place.ready("base", ["src/a.ts"]);
    await place.ready("built-on", ["d"], { dependsOn: ["base"] });
    await place.ready("same-file", ["src/**"]);
    await place.ready("urgent", ["b"], { lane: Lane.NOW });

    expect([await nextSlug(place), await nextSlug(place), await nextSlug(place)]).toEqual(["urgent", "base", "later"]);
    expect((await place.feature("same-file")).passedOver).toBe(1);
  });

  test("a session that holds a feature gets that one again, with its token", async () => {
    const place = await openPlace(kind);
    await place.ready("a", ["a"]);
    await place.ready("b", ["b"]);
    const session = await place.session();
    const first = await next(place, session);

    const again = await next(place, session);

    expect(again.feature?.slug).toBe("a");
    expect(again.claim).toEqual({ ...first.claim, expireTime: again.claim?.expireTime });
  });

  test("the same request id gives the same claim once, also at the same time; afterwards it says how that ended", async () => {
    const place = await openPlace(kind);
    for (const slug of ["a", "b", "c"]) await place.ready(slug, [slug]);
    const session = await place.session();
    const requestId = randomUUID();

    const answers = await Promise.all([1, 2, 3].map(() => next(place, session, requestId)));

    expect(new Set(answers.map(({ claim }) => claim?.id)).size).toBe(1);
    const { feature, claim } = answers[0] ?? {};
    await place.done(feature?.slug ?? "", session, claim?.fencingToken ?? 0n);
    expect((await refusalOf(next(place, session, requestId))).reason).toBe("FENCING_TOKEN_STALE");
    expect((await next(place, session)).feature?.slug).not.toBe(feature?.slug);
  });

  test("where nothing is free the refusal says what the ready features wait for", async () => {
    const place = await openPlace(kind);
    await place.ready("holds", ["src"]);
    await place.hold("holds", await place.session());
    await place.ready("waits", ["src/a.ts", "docs"]);
    await place.ready("depends", ["x"], { dependsOn: ["waits"] });

    const refusal = await refusalOf(next(place, await place.session()));

    expect(refusal).toMatchObject({ code: "NotFound", reason: "NOTHING_AVAILABLE" });
    expect(refusal.detail(NothingAvailableSchema)).toMatchObject({
      blocked: [
        { touch: { path: "src/a.ts" }, heldPath: "src", holder: { featureSlug: "holds", engineerName: "ana" } },
      ],
      waiting: [{ slug: "waits", heldFor: ["holds"], waitsFor: "" }],
      unmet: 1,
    });
  });

  test("a session whose lease has lapsed is told so, also when nothing is free", async () => {
    const place = await openPlace(kind);
    const session = await place.session();
    await place.nexus.advance(6 * MINUTE);

    expect((await refusalOf(next(place, session))).reason).toBe("SESSION_EXPIRED");
    await place.ready("a", ["a"]);
    expect((await refusalOf(next(place, session))).reason).toBe("SESSION_EXPIRED");
  });

  test("a batch is of features that overlap nothing held and none of each other, and reserves nothing", async () => {
    const place = await openPlace(kind);
    const { ana, projectId } = place;
    await place.ready("holds", ["lib"]);
    await place.hold("holds", await place.session());
    for (const [slug, path] of Object.entries({ a: "src/a", b: "src/**", c: "lib/c", d: "docs", e: "src/e" })) {
      await place.ready(slug, [path]);
    }

    const { batch, feature } = await ana.features.pickNextFeature({ projectId, count: 3 });

    expect(feature).toBeUndefined();
    expect(batch.map(({ slug }) => slug)).toEqual(["a", "d", "e"]);
    const rest = await ana.features.pickNextFeature({ projectId, count: 50 });
    expect(rest.batch).toHaveLength(3);
    expect((await place.feature("c")).passedOver).toBe(0);
    expect(await nextSlug(place)).toBe("a");
  });
});

test("work that broke off for somebody else is left alone for 30 minutes, unless nothing else is free", async () => {
  const place = await openPlace();
  const { ana, projectId, nexus } = place;
  const ben = await nexus.join("ben");
  await ana.projects.addMember({ projectId, email: ben.email });
  const bensNext = async () => {
    const sessionId = await place.session(ben);
    return (await ben.features.pickNextFeature({ projectId, sessionId })).feature?.slug;
  };
  for (const slug of ["broken", "b", "c"]) await place.ready(slug, [slug]);
  const crashed = await place.session();
  await place.hold("broken", crashed);
  await ana.sessions.closeSession({ projectId, sessionId: crashed, crashed: true });

  expect(await bensNext()).toBe("b");
  expect(await bensNext()).toBe("c");
  expect(await bensNext()).toBe("broken");
});

test("one's own broken work comes in its turn, and after 30 minutes anybody's", async () => {
  const place = await openPlace();
  const { ana, projectId, nexus } = place;
  const ben = await nexus.join("ben");
  await ana.projects.addMember({ projectId, email: ben.email });
  for (const slug of ["broken", "b"]) await place.ready(slug, [slug]);
  const breakOff = async () => {
    const sessionId = await place.session();
    const { feature } = await next(place, sessionId);
    await ana.sessions.closeSession({ projectId, sessionId, crashed: true });
    return feature?.slug;
  };

  expect(await breakOff()).toBe("broken");
  expect(await breakOff()).toBe("broken");
  await nexus.advance(31 * MINUTE);
  const sessionId = await place.session(ben);
  expect((await ben.features.pickNextFeature({ projectId, sessionId })).feature?.slug).toBe("broken");
});

test("a feature that was passed over 20 times is waited for until it was picked", async () => {
  const place = await openPlace();
  await place.ready("wide", ["src"]);
  await place.ready("blocker", ["src/0"]);
  const blocker = await place.session();
  const token = await place.hold("blocker", blocker);
  for (let i = 1; i <= 22; i++) await place.ready(`small-${i}`, [`src/${i}`]);
  await place.ready("apart", ["docs"]);
  for (let i = 1; i <= 20; i++) {
    const session = await place.session();
    const { feature, claim } = await next(place, session);
    expect(feature?.slug).toBe(`small-${i}`);
    await place.done(`small-${i}`, session, claim?.fencingToken ?? 0n);
  }

  expect((await place.feature("wide")).passedOver).toBe(20);
  expect(await nextSlug(place)).toBe("apart");
  const refusal = await refusalOf(nextSlug(place));
  expect(refusal.detail(NothingAvailableSchema)?.waiting).toMatchObject([
    { slug: "wide", heldFor: ["blocker"], waitsFor: "" },
    { slug: "small-21", heldFor: [], waitsFor: "wide" },
    { slug: "small-22", heldFor: [], waitsFor: "wide" },
  ]);
  await place.done("blocker", blocker, token);
  const session = await place.session();
  const { feature, claim } = await next(place, session);
  expect(feature).toMatchObject({ slug: "wide", passedOver: 0 });
  await place.done("wide", session, claim?.fencingToken ?? 0n);
  expect(await nextSlug(place)).toBe("small-21");
});

test("a feature that is passed over for an hour is waited for", async () => {
  const place = await openPlace();
  await place.ready("wide", ["src"]);
  await place.ready("blocker", ["src/0"]);
  await place.hold("blocker", await place.session());
  await place.ready("small-1", ["src/1"]);
  await place.ready("small-2", ["src/2"]);
  expect(await nextSlug(place)).toBe("small-1");

  for (let minutes = 0; minutes < 60; minutes += 4) {
    await place.nexus.advance(4 * MINUTE);
    const { sessions } = await place.ana.sessions.listActiveSessions({ projectId: place.projectId });
    for (const { id } of sessions) {
      await place.ana.sessions.heartbeatSession({ projectId: place.projectId, sessionId: id });
    }
  }

  expect((await refusalOf(nextSlug(place))).reason).toBe("NOTHING_AVAILABLE");
});

test("the blocked ones are listed beside the available ones, with who, which path and until when", async () => {
  const place = await openPlace();
  const { ana, projectId } = place;
  await place.ready("holds", ["src"]);
  await place.hold("holds", await place.session());
  await place.ready("waits", ["docs", "src/a.ts"]);
  await place.ready("free", ["lib"]);
  await place.ready("depends", [], { dependsOn: ["free"] });

  const { features, blocked } = await ana.features.listAvailableFeatures({ projectId, includeBlocked: true });

  expect(features.map(({ slug }) => slug)).toEqual(["free"]);
  expect(blocked).toMatchObject([
    {
      feature: { slug: "waits" },
      blocked: [
        { touch: { path: "src/a.ts" }, heldPath: "src", witnessPath: "src/a.ts", holder: { engineerName: "ana" } },
      ],
      unmet: [],
    },
    { feature: { slug: "depends" }, blocked: [], unmet: ["free"] },
  ]);
  expect(blocked[0]?.blocked[0]?.holder?.expireTime).toBeDefined();
});
