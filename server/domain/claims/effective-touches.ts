import type { Pattern } from "../paths/pattern.ts";
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
export function effectiveTouches(touches: readonly Touch[], policy: SharingPolicy): Touch[] {
  const shared = sharedLiterals(policy);
  if (shared.size === 0) return [...touches];
  return touches.map((touch) => {
    const literal = literalOf(compileStored(touch.path, policy.caseSensitive));
    return literal !== undefined && shared.has(literal) ? { ...touch, mode: "shared" } : touch;
  });
}

/** What is the same for all features of a project that one call looks at, and for each entry however often it is named. */
const shared = new WeakMap<readonly string[], ReadonlySet<string | undefined>>();
const literals = new WeakMap<Pattern, { readonly path: string | undefined }>();

function sharedLiterals({ sharedPaths, caseSensitive }: SharingPolicy): ReadonlySet<string | undefined> {
  const known = shared.get(sharedPaths);
  if (known !== undefined) return known;
  const made = new Set(sharedPaths.map((path) => literalOf(compileStored(path, caseSensitive))));
  shared.set(sharedPaths, made);
  return made;
}

/** The folded path of an entry without wildcards. */
function literalOf(pattern: Pattern): string | undefined {
  const known = literals.get(pattern);
  if (known !== undefined) return known.path;
  const [only, another] = pattern.alternatives;
  const path = only?.tree && another === undefined ? only.segments.join("/") : undefined;
  literals.set(pattern, { path });
  return path;
}
