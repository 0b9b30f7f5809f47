import { expect, test } from "vitest";
import { drawScene } from "./scene.ts";

/** A drawing that goes through all words: the n-th draw of the i-th scene. */
function steps(index: number): () => number {
  let draw = index;
  return () => {
    draw = (draw * 31 + 7) % 97;
    return draw / 97;
  };
}

const scenes = Array.from({ length: 97 }, (_, index) => drawScene(steps(index)));

test("slugs are slugs and differ, and are what the title becomes", () => {
  for (const { first, overlapping, other, project } of scenes) {
    const slugs = [first, overlapping, other].map(({ slug }) => slug);
    expect(new Set(slugs).size).toBe(3);
    for (const slug of [...slugs, project]) expect(slug).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/);
    for (const { slug, title } of [first, overlapping, other]) {
      expect(title.toLowerCase().replaceAll(" ", "-")).toBe(slug);
    }
  }
});

test("the first two meet in the shared file, and nothing else does", () => {
  for (const { first, overlapping, other, sharedFile } of scenes) {
    const [folder = "", file = ""] = sharedFile
      .replace(/^src\//, "")
      .replace(/\.ts$/, "")
      .split("/");
    expect(first.touches).toEqual([`src/${folder}/*.ts`, `docs/${folder}.md`]);
    expect(overlapping.touches).toEqual([`src/**/${file}.ts`, `test/${file}.test.ts`]);
    expect(other.touches.every((touch) => touch.startsWith("web/"))).toBe(true);
  }
});

test("the scenes differ", () => {
  expect(new Set(scenes.map((scene) => JSON.stringify(scene))).size).toBeGreaterThan(20);
});
