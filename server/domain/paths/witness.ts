import {
  alternativeOverlaps,
  isName,
  type Name,
  namesOverlap,
  readsAnything,
  tokensOf,
} from "./alternative-overlap.ts";
import { type Alternative, type Segment, STAR } from "./pattern.ts";
import { witnessName } from "./witness-name.ts";

/** A reading and the same one in the spelling that was given, segment by segment. */
export interface SpelledAlternative {
  readonly compiled: Alternative;
  readonly spelled: Alternative;
}

/**
 * A path that both readings cover. A name that a literal of one of them demands is spelled as there, the first one's
 * spelling before the second one's.
 *
 * @returns undefined when they cover no path in common
 */
export function witnessOf(a: SpelledAlternative, b: SpelledAlternative): string | undefined {
  const unlimited = { steps: Number.POSITIVE_INFINITY };
  const rows: Uint8Array[] = [];
  if (!alternativeOverlaps(a.compiled, b.compiled, unlimited, rows)) return undefined;

  // From the end of both back to their beginnings, over states that were reached; together where both go on, so that
  // nothing is added below a literal that is matched as it stands.
  const names: string[] = [];
  const reached = (i: number, j: number): boolean => i >= 0 && j >= 0 && rows[i]?.[j] === 1;
  let i = a.compiled.segments.length;
  let j = b.compiled.segments.length;
  while (i > 0 || j > 0) {
    const x = a.compiled.segments[i - 1];
    const y = b.compiled.segments[j - 1];
    if (x === 0 && reached(i - 1, j)) i -= 1;
    else if (y === 0 && reached(i, j - 1)) j -= 1;
    else if (isName(x) && isName(y) && reached(i - 1, j - 1) && namesOverlap(x, y, unlimited)) {
      i -= 1;
      j -= 1;
      names.push(commonName(x, a.spelled.segments[i], y, b.spelled.segments[j]));
    } else if (isName(y) && readsAnything(a.compiled, i) && reached(i, j - 1)) {
      j -= 1;
      names.push(nameOf(y, b.spelled.segments[j]));
    } else if (isName(x) && readsAnything(b.compiled, j) && reached(i - 1, j)) {
      i -= 1;
      names.push(nameOf(x, a.spelled.segments[i]));
    } else {
      throw new Error("a reached state has no predecessor");
    }
  }
  return names.reverse().join("/");
}

/** A name that this segment reads, whatever the other side has. */
function nameOf(name: Name, spelled: Segment | undefined): string {
  if (typeof name === "string") return typeof spelled === "string" ? spelled : name;
  return witnessName({ tokens: name, spelled: spelledTokens(name, spelled) }, { tokens: [STAR], spelled: [STAR] });
}

function commonName(x: Name, spelledX: Segment | undefined, y: Name, spelledY: Segment | undefined): string {
  if (typeof x === "string") return nameOf(x, spelledX);
  if (typeof y === "string") return nameOf(y, spelledY);
  return witnessName(
    { tokens: x, spelled: spelledTokens(x, spelledX) },
    { tokens: y, spelled: spelledTokens(y, spelledY) },
  );
}

/** Folding may merge or compose characters; then the compiled form is the only one that fits. */
function spelledTokens(name: Exclude<Name, string>, spelled: Segment | undefined): Exclude<Name, string> {
  if (!isName(spelled)) return name;
  const tokens = tokensOf(spelled);
  return tokens.length === name.length ? tokens : name;
}
