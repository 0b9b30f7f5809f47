import { expect, test } from "vitest";
import { compileTouches } from "../claims/compile-touches.ts";
import type { FeatureId, Slug } from "../ids.ts";
import { type Contender, choices, choose, hotFirst, longestWaiting, type Situation } from "./choose.ts";

const NOW = new Date("2026-01-01T12:00:00Z");

function minutesAgo(minutes: number): Date {
  return new Date(NOW.getTime() - minutes * 60_000);
}

let places = 0;

function contender(slug: string, paths: readonly string[], more: Partial<Contender> = {}): Contender {
  const touches = paths.map((path) => ({ path, mode: "exclusive" as const }));
  return {
    id: slug as FeatureId,
    slug: slug as Slug,
    lane: "next",
    position: ++places,
    touches,
    claimed: compileTouches(touches, false),
    interruption: undefined,
    passedOver: 0,
    passedOverSince: undefined,
    ...more,
  };
}

function situation(
  contenders: readonly Contender[],
  more: Partial<Record<"held" | "taken" | "leftAlone", string>> = {},
) {
  const names = (list: string | undefined) => (one: Contender) => (list ?? "").split(" ").includes(one.slug);
  const isHeld = names(more.held);
  const made: Situation = {
    contenders,
    isTaken: names(more.taken),
    isFree: (one) => !isHeld(one),
    isLeftAlone: names(more.leftAlone),
    now: NOW,
  };
  return made;
}

function chosen(...args: Parameters<typeof situation>) {
  const choice = choose(situation(...args));
  return choice && [choice.chosen.slug, ...choice.passedOver];
}

test("the first free one is chosen, and those before it whose files are held are passed over", () => {
  const all = [contender("a", ["a"]), contender("b", ["b"]), contender("c", ["c"]), contender("d", ["d"])];
  expect(chosen(all)).toEqual(["a"]);
  expect(chosen(all, { held: "a b" })).toEqual(["c", "a", "b"]);
  expect(chosen(all, { held: "a", taken: "b" })).toEqual(["c", "a"]);
  expect(chosen(all, { held: "a b c d" })).toBeUndefined();
});

test("nothing that overlaps one that was passed over 20 times is chosen before it", () => {
  const waiting = contender("wide", ["src"], { passedOver: 20, passedOverSince: minutesAgo(1) });
  const all = [contender("early", ["src/x"]), waiting, contender("inside", ["src/a"]), contender("apart", ["docs"])];

  expect(chosen(all, { held: "wide" })).toEqual(["apart", "early", "wide", "inside"]);
  expect(chosen(all, { held: "wide apart" })).toBeUndefined();
  expect(chosen(all)).toEqual(["wide", "early"]);
});

test("19 passes are not too many, and 59 minutes are not too long", () => {
  const patient = contender("wide", ["src"], { passedOver: 19, passedOverSince: minutesAgo(59) });
  expect(chosen([patient, contender("inside", ["src/a"])], { held: "wide" })).toEqual(["inside", "wide"]);
});

test("an hour is too long, however few passes", () => {
  const waiting = contender("wide", ["src"], { passedOver: 1, passedOverSince: minutesAgo(60) });
  expect(chosen([waiting, contender("inside", ["src/a"])], { held: "wide" })).toBeUndefined();
});

test("of several that have waited too long only the longest is waited for", () => {
  const first = contender("first", ["src"], { passedOver: 20, passedOverSince: minutesAgo(9) });
  const second = contender("second", ["docs"], { passedOver: 20, passedOverSince: minutesAgo(8) });
  const all = [second, first, contender("in-src", ["src/a"]), contender("in-docs", ["docs/a"])];

  expect(longestWaiting(situation(all, { held: "first second" }))?.slug).toBe("first");
  expect(chosen(all, { held: "first second" })).toEqual(["in-docs", "second", "first", "in-src"]);
  expect(longestWaiting(situation(all, { taken: "first" }))?.slug).toBe("second");
});

test("work that is left alone is chosen when nothing else is free, and counts no passes until then", () => {
  const all = [contender("broken", ["a"]), contender("held", ["b"]), contender("free", ["c"])];
  expect(chosen(all, { leftAlone: "broken", held: "held" })).toEqual(["free", "held"]);
  expect(chosen(all, { leftAlone: "broken", held: "held free" })).toEqual(["broken"]);
  expect(chosen(all, { leftAlone: "broken", held: "broken held free" })).toBeUndefined();
});

test("one choice compares only so much: what is left then is taken for held back, and waits for another", () => {
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  const waiting = contender(
    "waiting",
    numbers.map((number) => `*${"a".repeat(60)}b${number}*`),
    { passedOver: 20, passedOverSince: minutesAgo(1) },
  );
  const costly = numbers.slice(0, 10).map((one) =>
    contender(
      `costly-${one}`,
      numbers.map((number) => `${"a".repeat(200)}.${one}-${number}`),
    ),
  );

  const slugs = [...choices(situation([waiting, ...costly], { held: "waiting" }))].map((choice) => choice.chosen.slug);

  expect(slugs[0]).toBe("costly-0");
  expect(slugs.length).toBeLessThan(costly.length);
});

test("of those at the same place the one comes first whose files most others wait for", () => {
  const cold = contender("cold", ["cold"], { position: 1_000 });
  const warm = contender("warm", ["warm", "hot"], { position: 1_000 });
  const hot = contender("hot", ["warm", "hot", "glow"], { position: 1_000 });
  const later = [contender("x", ["hot"], { position: 2_000 }), contender("y", ["glow"], { position: 3_000 })];

  expect(hotFirst([cold, warm, hot, ...later]).map(({ slug }) => slug)).toEqual(["hot", "warm", "cold", "x", "y"]);
  const elsewhere = { ...cold, lane: "now" as const };
  expect(hotFirst([elsewhere, warm, hot, ...later]).map(({ slug }) => slug)[0]).toBe("cold");
});
