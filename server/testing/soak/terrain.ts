import type { HeldTouch } from "./history.ts";

/** A feature as it is made again and again, in the oracle's small world. */
export interface FeatureShape {
  readonly name: string;
  readonly touches: readonly HeldTouch[];
  /** Files that whoever holds it may count up in. */
  readonly files: readonly string[];
  /** What may be claimed in addition, and the file in it. */
  readonly extension?: { readonly path: string; readonly file: string };
}

const exclusive = (...paths: string[]) => paths.map((path): HeldTouch => ({ path, mode: "exclusive" }));
const shared = (...paths: string[]) => paths.map((path): HeldTouch => ({ path, mode: "shared" }));

/** Features that stand in each other's way in every manner, some of which can be held at the same time. */
export const FEATURE_SHAPES: readonly FeatureShape[] = [
  { name: "folder", touches: exclusive("a/a"), files: ["a/a/a.t", "a/a/b"] },
  { name: "file", touches: exclusive("a/a/b"), files: ["a/a/b"], extension: { path: "b/a/a", file: "b/a/a" } },
  { name: "star", touches: exclusive("a/*/b"), files: ["a/a/b", "a/b/b"] },
  { name: "beside", touches: exclusive("a/b"), files: ["a/b/a", "a/b/b"], extension: { path: "b/b/b", file: "b/b/b" } },
  { name: "two", touches: exclusive("b/a", "a.t/a"), files: ["b/a/a", "a.t/a"] },
  { name: "middle", touches: exclusive("b/*/a"), files: ["b/a/a", "b/b/a"] },
  { name: "choice", touches: exclusive("b/b/{a,b}"), files: ["b/b/a", "b/b/b"] },
  { name: "leaf", touches: exclusive("b/b/b"), files: ["b/b/b"], extension: { path: "a/a/b", file: "a/a/b" } },
  { name: "suffix", touches: exclusive("*.t"), files: ["a.t", "b.t"] },
  { name: "apart", touches: exclusive("a.t/b"), files: ["a.t/b"], extension: { path: "a.t/a", file: "a.t/a" } },
  { name: "far", touches: exclusive("b/a.t/*"), files: ["b/a.t/a", "b/a.t/b"] },
  { name: "deep", touches: exclusive("**/a.t/b"), files: ["a.t/b", "b/a.t/b"] },
  { name: "nothing", touches: [], files: [], extension: { path: "a/b/b", file: "a/b/b" } },
  { name: "reader", touches: shared("a/b/a.t", "b/b/a.t"), files: [] },
  { name: "other-reader", touches: shared("a/b/a.t", "*/b/a.t"), files: [] },
];
