import { compileStored } from "./compile-touches.ts";
import type { Touch } from "./touch.ts";

/** The part of a project's settings that decides modes. */
export interface SharingPolicy {
  readonly sharedPaths: readonly string[];
  readonly caseSensitive: boolean;
}

/**
 * Touches with the modes that hold: a literal one on a path that the project shares is shared whatever was asked. A
 * folder above such a path stays as it was asked.
 */
export function effectiveTouches(touches: readonly Touch[], { sharedPaths, caseSensitive }: SharingPolicy): Touch[] {
  const shared = new Set(sharedPaths.map((path) => literalOf(path, caseSensitive)));
  return touches.map((touch) => {
    const literal = literalOf(touch.path, caseSensitive);
    return literal !== undefined && shared.has(literal) ? { ...touch, mode: "shared" } : touch;
  });
}

/** The folded path of an entry without wildcards. */
function literalOf(path: string, caseSensitive: boolean): string | undefined {
  const [only, another] = compileStored(path, caseSensitive).alternatives;
  return only?.tree && another === undefined ? only.segments.join("/") : undefined;
}
