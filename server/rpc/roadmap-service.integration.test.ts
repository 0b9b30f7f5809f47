import { BadRequestSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { EtagMismatchSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { expect, test } from "vitest";
import { startNexus } from "../testing/start-nexus.ts";
import { openWorkplace, refusalOf, type Workplace } from "../testing/workplace.ts";

async function openPlace(slugs: readonly string[] = []): Promise<Workplace> {
  const place = await openWorkplace(await startNexus("embedded"));
  for (const slug of slugs) await place.ready(slug);
  return place;
}

async function orderOf({ ana, projectId }: Workplace, lane = Lane.NEXT): Promise<string[]> {
  const { lanes } = await ana.roadmap.getRoadmap({ projectId });
  return lanes.find((one) => one.lane === lane)?.entries.map(({ feature }) => feature?.slug ?? "") ?? [];
}

function letters(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `f-${String.fromCharCode(97 + index)}`);
}

/** The order after one more move, as somebody with paper would do it. */
function moved(order: readonly string[], slug: string, before: string): string[] {
  const others = order.filter((one) => one !== slug);
  const at = before === "" ? others.length : others.indexOf(before);
  return [...others.slice(0, at), slug, ...others.slice(at)];
}

test("the roadmap has every lane in order, with who holds a feature and what keeps another from being picked", async () => {
  const place = await openPlace();
  const { ana, projectId } = place;
  await place.ready("wide", ["src"], { lane: Lane.NOW });
  await place.ready("narrow", ["src/a.ts"], { dependsOn: ["wide"] });
  await place.ready("apart", ["docs"]);
  await place.ready("some-day", [], { lane: Lane.ICEBOX });
  await place.hold("wide", await place.session());

  const { lanes } = await ana.roadmap.getRoadmap({ projectId });

  expect(lanes.map(({ lane }) => lane)).toEqual([Lane.NOW, Lane.NEXT, Lane.LATER, Lane.ICEBOX]);
  const entries = lanes.map((lane) => lane.entries.map(({ feature, blockedBy }) => [feature?.slug, ...blockedBy]));
  expect(entries).toEqual([[["wide"]], [["narrow", "wide"], ["apart"]], [], [["some-day"]]]);
  expect(lanes[0]?.entries[0]?.feature).toMatchObject({ spec: "", holder: { engineerName: "ana", agent: "claude" } });
});

test("closed features are on the roadmap only where asked for, and a lane is cut with what it omits", async () => {
  const place = await openPlace(letters(3));
  const { ana, projectId } = place;
  await ana.features.cancelFeature({ projectId, slug: "f-b" });

  expect(await orderOf(place)).toEqual(["f-a", "f-c"]);
  const whole = await ana.roadmap.getRoadmap({ projectId, includeClosed: true, lanes: [Lane.NEXT] });
  expect(whole.lanes.map(({ entries }) => entries.length)).toEqual([3]);
  const cut = await ana.roadmap.getRoadmap({ projectId, lanes: [Lane.NEXT], limit: 1 });
  expect(cut.lanes[0]).toMatchObject({ omitted: 1, entries: [{ feature: { slug: "f-a" } }] });
});

test("a feature moves within its lane and to another one, and a repeated move changes nothing", async () => {
  const place = await openPlace(letters(4));
  const { ana, projectId } = place;

  const up = await ana.roadmap.reorderRoadmap({ projectId, slug: "f-d", beforeSlug: "f-b" });
  const again = await ana.roadmap.reorderRoadmap({ projectId, slug: "f-d", beforeSlug: "f-b" });

  expect(await orderOf(place)).toEqual(["f-a", "f-d", "f-b", "f-c"]);
  expect(again.etag).toBe(up.etag);
  expect(again.feature?.etag).toBe(up.feature?.etag);
  await ana.roadmap.reorderRoadmap({ projectId, slug: "f-a", lane: Lane.NOW });
  await ana.roadmap.reorderRoadmap({ projectId, slug: "f-c", beforeSlug: "f-a" });
  expect(await orderOf(place)).toEqual(["f-d", "f-b"]);
  expect(await orderOf(place, Lane.NOW)).toEqual(["f-c", "f-a"]);
  const { features } = await ana.features.listAvailableFeatures({ projectId });
  expect(features.map(({ slug }) => slug)).toEqual(["f-c", "f-a", "f-d", "f-b"]);
});

test("a roadmap that is read while features change lanes has each of them once", async () => {
  const slugs = letters(6);
  const place = await openPlace(slugs);
  const { ana, projectId } = place;
  let reading = true;
  const movers = slugs.map(async (slug) => {
    for (let to = Lane.NOW; reading; to = to === Lane.NOW ? Lane.ICEBOX : Lane.NOW) {
      await ana.roadmap.reorderRoadmap({ projectId, slug, lane: to });
    }
  });

  const seen = new Set<string>();
  for (let round = 0; round < 60; round++) {
    const { lanes } = await ana.roadmap.getRoadmap({ projectId });
    seen.add(String(lanes.flatMap(({ entries }) => entries.map(({ feature }) => feature?.slug ?? "")).sort()));
  }
  reading = false;
  await Promise.all(movers);

  expect([...seen]).toEqual([String(slugs)]);
});

test("moves that can't be meant are refused with the field and change nothing", async () => {
  const place = await openPlace(letters(2));
  const { ana, projectId } = place;
  const before = await ana.roadmap.getRoadmap({ projectId });
  const move = (more: object) => refusalOf(ana.roadmap.reorderRoadmap({ projectId, slug: "f-a", ...more }));

  const elsewhere = await move({ lane: Lane.NOW, beforeSlug: "f-b" });
  expect(elsewhere.reason).toBe("REQUEST_INVALID");
  expect(elsewhere.detail(BadRequestSchema)?.fieldViolations[0]?.field).toBe("before_slug");
  expect((await move({ beforeSlug: "f-a" })).reason).toBe("REQUEST_INVALID");
  expect((await move({ beforeSlug: "f-x" })).reason).toBe("RESOURCE_NOT_FOUND");
  expect((await move({ etag: "0" })).detail(EtagMismatchSchema)?.currentEtag).toBe(before.etag);
  await ana.features.cancelFeature({ projectId, slug: "f-b" });
  const closed = await refusalOf(ana.roadmap.reorderRoadmap({ projectId, slug: "f-b", lane: Lane.NOW }));
  expect(closed.reason).toBe("STATUS_TRANSITION_INVALID");

  expect((await ana.roadmap.getRoadmap({ projectId })).etag).toBe(before.etag);
});

test("the etag changes with every move, also by UpdateFeature, and not when features come or go", async () => {
  const place = await openPlace(letters(2));
  const { ana, projectId } = place;
  const etag = async () => (await ana.roadmap.getRoadmap({ projectId })).etag;
  const first = await etag();

  await place.ready("late");
  await ana.features.cancelFeature({ projectId, slug: "f-b" });
  expect(await etag()).toBe(first);
  await ana.features.updateFeature({
    projectId,
    slug: "f-a",
    feature: { lane: Lane.NOW },
    updateMask: { paths: ["lane"] },
  });
  expect(await etag()).not.toBe(first);
});

test("however often features are moved to one place, the order holds", async () => {
  const place = await openPlace(letters(4));
  const { ana, projectId } = place;
  let order = letters(4);

  for (let round = 0; round < 130; round++) {
    const slug = round % 2 === 0 ? "f-c" : "f-d";
    const before = order[1] === slug ? (order[2] ?? "") : (order[1] ?? "");
    await ana.roadmap.reorderRoadmap({ projectId, slug, beforeSlug: before });
    order = moved(order, slug, before);
  }

  expect(await orderOf(place)).toEqual(order);
});

test("ten writers at once lose nothing and end in the serial order that their etags tell", async () => {
  const slugs = letters(14);
  const place = await openPlace(slugs);
  const { ana, projectId } = place;
  let order = await orderOf(place);
  const etagOf = new Map<string, string>();
  for (const slug of slugs) etagOf.set(slug, (await place.feature(slug)).etag);

  for (let round = 0; round < 5; round++) {
    const moves = slugs.slice(0, 10).map((slug, index) => ({ slug, before: slugs[(index + 3 + round) % 14] ?? "" }));
    const answers = await Promise.all(
      moves.map(async ({ slug, before }) => {
        const { feature, etag } = await ana.roadmap.reorderRoadmap({ projectId, slug, beforeSlug: before });
        const changed = feature?.etag !== etagOf.get(slug);
        etagOf.set(slug, feature?.etag ?? "");
        return { slug, before, changed, number: Number(etag) };
      }),
    );
    // One that found its feature in place is no move: it came after the one whose number it answers.
    const serial = answers.sort((a, b) => a.number - b.number || Number(b.changed) - Number(a.changed));
    for (const { slug, before } of serial) order = moved(order, slug, before);
    expect(await orderOf(place)).toEqual(order);
  }
});

test("of ten writers that rest on the same etag one moves its feature; all do when they read again", async () => {
  const slugs = letters(10);
  const place = await openPlace(slugs);
  const { ana, projectId } = place;
  const { etag } = await ana.roadmap.getRoadmap({ projectId });
  let refused = 0;

  async function toTheFront(slug: string, rested: string): Promise<void> {
    const first = (await orderOf(place)).find((one) => one !== slug) ?? "";
    try {
      await ana.roadmap.reorderRoadmap({ projectId, slug, beforeSlug: first, etag: rested });
    } catch (error) {
      const { reason, detail } = await refusalOf(Promise.reject(error));
      expect(reason).toBe("ETAG_MISMATCH");
      refused += 1;
      await toTheFront(slug, detail(EtagMismatchSchema)?.currentEtag ?? "");
    }
  }
  await Promise.all(slugs.slice(1).map((slug) => toTheFront(slug, etag)));

  expect(refused).toBeGreaterThanOrEqual(slugs.length - 2);
  expect((await orderOf(place)).sort()).toEqual(slugs);
});
