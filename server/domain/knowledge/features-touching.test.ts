import { expect, test } from "vitest";
import type { Slug } from "../ids.ts";
import { featuresTouching } from "./features-touching.ts";

function feature(slug: string, paths: readonly string[]) {
  return { slug: slug as Slug, touches: paths.map((path) => ({ path, mode: "exclusive" as const })) };
}

test("only features that touch one of the paths are named, whatever the spelling and the mode", () => {
  const features = [
    feature("same", ["SRC/auth.ts"]),
    feature("below", ["src/auth.ts/x"]),
    feature("above", ["src"]),
    feature("glob", ["**/auth.*"]),
    feature("beside", ["src/auth.tsx", "lib/auth"]),
    feature("nothing", []),
  ];

  expect(featuresTouching(["docs", "src/auth.ts"], features, false)).toEqual(["same", "below", "above", "glob"]);
  expect(featuresTouching(["docs", "src/auth.ts"], features, true)).toEqual(["below", "above", "glob"]);
});

test("what is too much to be compared counts as touching, so that a question costs no more than it may", () => {
  const asked = Array.from({ length: 500 }, (_, number) => `asked/${number}/a.ts`);
  const features = Array.from({ length: 50 }, (_, number) =>
    feature(
      `f-${number}`,
      Array.from({ length: 500 }, (_, path) => `other/${path}/b.ts`),
    ),
  );

  const touching = featuresTouching(asked, features, false);

  expect(touching).not.toContain("f-0");
  expect(touching).toContain("f-49");
});
