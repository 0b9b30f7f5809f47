import { LimitExceededError } from "../errors.ts";
import { parsePattern } from "../paths/parse-pattern.ts";
import { PathProblem } from "../paths/path-problem.ts";
import type { Pattern } from "../paths/pattern.ts";
import { type ClaimTouch, MAX_ALTERNATIVES_PER_CLAIM } from "./claim-store.ts";
import type { Touch } from "./touch.ts";

/** Compiles stored touches, which are in normal form already, for the claim store. */
export function compileTouches(touches: readonly Touch[], caseSensitive: boolean): ClaimTouch[] {
  return touches.map(({ path, mode }) => ({ pattern: compileStored(path, caseSensitive), mode }));
}

/** Entries that are kept compiled; a project's features name the same ones again and again. */
const MAX_COMPILED = 20_000;
const compiled = { folded: new Map<string, Pattern>(), exact: new Map<string, Pattern>() };

/** Compiles one entry that was parsed before it was stored. */
export function compileStored(path: string, caseSensitive: boolean): Pattern {
  const known = caseSensitive ? compiled.exact : compiled.folded;
  const hit = known.get(path);
  if (hit !== undefined) return hit;
  // Simpler than forgetting the oldest, and as good for what it is: parsing an entry again takes microseconds.
  if (known.size >= MAX_COMPILED) known.clear();
  const pattern = compile(path, caseSensitive);
  known.set(path, pattern);
  return pattern;
}

function compile(path: string, caseSensitive: boolean): Pattern {
  const pattern = parsePattern(path, { caseSensitive });
  if (pattern instanceof PathProblem) throw new Error(`the stored touch ${JSON.stringify(path)} does not parse`);
  return pattern;
}

/** @throws LimitExceededError when no claim, and no check, could hold all of these at once */
export function checkAlternatives(touches: readonly Pick<Touch, "path">[]): void {
  // Whether case matters makes no difference to their number.
  const count = touches.reduce((sum, { path }) => sum + compileStored(path, true).alternatives.length, 0);
  if (count > MAX_ALTERNATIVES_PER_CLAIM) {
    const subject = `alternatives of all paths together (these have ${count})`;
    throw new LimitExceededError(subject, MAX_ALTERNATIVES_PER_CLAIM, "use fewer braces, or split it");
  }
}
