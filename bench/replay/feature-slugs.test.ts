import { expect, test } from "vitest";
import { featureSlugs } from "./feature-slugs.ts";

test("an id becomes a slug", () => {
  expect(featureSlugs(["#14732", "2dff82244a", "Fix: the Über-cache!", "--a--", "日本", ""])).toEqual([
    "14732",
    "2dff82244a",
    "fix-the-uber-cache",
    "a",
    "feature",
    "feature-2",
  ]);
});

test("no two are alike, also when an id looks like what another one would become", () => {
  expect(featureSlugs(["a", "a-2", "A", "#a"])).toEqual(["a", "a-2", "a-3", "a-4"]);
});

test("long ids give slugs of at most 63 characters that stay apart and end with no hyphen", () => {
  const slugs = featureSlugs([`${"x".repeat(62)} y`, `${"x".repeat(62)} z`, "x".repeat(100)]);
  expect(new Set(slugs).size).toBe(3);
  for (const slug of slugs) expect(slug).toMatch(/^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/);
});
