import { parsePattern } from "../paths/parse-pattern.ts";
import type { Pattern } from "../paths/pattern.ts";
import type { ClaimTouch } from "./claim-store.ts";
import type { Touch } from "./touch.ts";

/** Compiles stored touches, which are in normal form already, for the claim store. */
export function compileTouches(touches: readonly Touch[], caseSensitive: boolean): ClaimTouch[] {
  return touches.map(({ path, mode }) => ({ pattern: compileStored(path, caseSensitive), mode }));
}

/** Compiles one entry that was parsed before it was stored. */
export function compileStored(path: string, caseSensitive: boolean): Pattern {
  const pattern = parsePattern(path, { caseSensitive });
  if (!("alternatives" in pattern)) throw new Error(`the stored touch ${JSON.stringify(path)} does not parse`);
  return pattern;
}
