import { expect, test } from "vitest";
import { findOverlappingHolds, type Hold } from "./overlapping-holds.ts";

const FILES: Readonly<Record<string, readonly string[]>> = {
  login: ["src/auth.ts", "src/ui.ts"],
  logout: ["src/ui.ts", "src/auth.ts"],
  search: ["src/search.ts"],
  readme: ["README.md"],
  rename: ["docs/x.md", "readme.MD"],
  accent: ["caf\u00e9.md"],
  decomposed: ["cafe\u0301.md"],
  folder: ["src"],
};

function hold(slug: string, start: number, end: number, agent = 1): Hold {
  return { slug, agent, start: BigInt(start), end: BigInt(end) };
}

function overlapsOf(...holds: readonly Hold[]) {
  return findOverlappingHolds(holds, (slug) => FILES[slug] ?? []).map(({ first, second, file }) => {
    return [first.slug, second.slug, file];
  });
}

test("two holds of one file at the same time are found, once for all the files they share", () => {
  expect(overlapsOf(hold("login", 0, 10), hold("logout", 9, 20))).toEqual([["login", "logout", "src/ui.ts"]]);
});

test("a hold that lies within another is found, whichever of them is told first", () => {
  expect(overlapsOf(hold("login", 0, 100), hold("logout", 40, 60))).toHaveLength(1);
  expect(overlapsOf(hold("logout", 40, 60), hold("login", 0, 100))).toHaveLength(1);
});

test("one feature in two hands at the same time is found", () => {
  expect(overlapsOf(hold("search", 0, 10, 1), hold("search", 5, 15, 2))).toHaveLength(1);
});

test("holds one after the other do not overlap, also when one begins the moment the other ends", () => {
  expect(overlapsOf(hold("login", 0, 10), hold("logout", 10, 20))).toEqual([]);
  expect(overlapsOf(hold("logout", 10, 20), hold("login", 0, 10))).toEqual([]);
});

test("holds of different files may overlap, and a folder's name is not its files", () => {
  expect(overlapsOf(hold("login", 0, 10), hold("search", 0, 10), hold("folder", 0, 10))).toEqual([]);
});

test("names that differ in case or in Unicode form are the same file", () => {
  expect(overlapsOf(hold("readme", 0, 10), hold("rename", 0, 10))).toEqual([["readme", "rename", "readme.MD"]]);
  expect(overlapsOf(hold("accent", 0, 10), hold("decomposed", 0, 10))).toHaveLength(1);
});

test("every pair counts", () => {
  expect(overlapsOf(hold("login", 0, 10), hold("logout", 0, 10), hold("login", 5, 15))).toHaveLength(3);
});
