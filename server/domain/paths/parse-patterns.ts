import { type FieldViolation, PathInvalidError } from "../errors.ts";
import { parsePattern } from "./parse-pattern.ts";
import { PathProblem } from "./path-problem.ts";
import type { Pattern } from "./pattern.ts";

/**
 * Parses all entries of a request.
 *
 * @param field the name of the field that holds the entry of this index, as in `touches[2].path`
 * @throws PathInvalidError naming every entry that is not in the path language
 */
export function parsePatterns(
  texts: readonly string[],
  options: { readonly caseSensitive: boolean },
  field: (index: number) => string,
): readonly Pattern[] {
  const patterns: Pattern[] = [];
  const violations: FieldViolation[] = [];
  for (const [index, text] of texts.entries()) {
    const parsed = parsePattern(text, options);
    if (parsed instanceof PathProblem) violations.push({ field: field(index), description: parsed.description });
    else patterns.push(parsed);
  }
  if (violations.length > 0) throw new PathInvalidError(violations);
  return patterns;
}
