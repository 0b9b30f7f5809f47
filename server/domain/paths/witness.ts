import { NAMES, type Name, sequenceOf, tokensOf } from "./alternative-overlap.ts";
import { type Alternative, type Segment, STAR } from "./pattern.ts";
import { commonSequences } from "./sequence-overlap.ts";
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
  const [first] = commonSequences(sequenceOf(a.compiled), sequenceOf(b.compiled), NAMES);
  return first
    ?.map((item) => {
      const x = nameAt(a, item.a);
      const y = nameAt(b, item.b);
      return x === undefined ? nameOf(y) : y === undefined ? nameOf(x) : commonName(x, y);
    })
    .join("/");
}

/** A name of a reading and the same one as it was spelled. */
interface SpelledName {
  readonly name: Name;
  readonly spelled: Segment | undefined;
}

function nameAt({ compiled, spelled }: SpelledAlternative, at: number | undefined): SpelledName | undefined {
  return at === undefined ? undefined : { name: compiled.segments[at] as Name, spelled: spelled.segments[at] };
}

/** A name that this segment reads, whatever the other side has. */
function nameOf(one: SpelledName | undefined): string {
  const anything: SpelledName = { name: [STAR], spelled: [STAR] };
  if (typeof one?.name === "string") return typeof one.spelled === "string" ? one.spelled : one.name;
  return witnessName(spelledTokens(one ?? anything), spelledTokens(anything));
}

function commonName(x: SpelledName, y: SpelledName): string {
  if (typeof x.name === "string") return nameOf(x);
  if (typeof y.name === "string") return nameOf(y);
  return witnessName(spelledTokens(x), spelledTokens(y));
}

/** Folding may merge or compose characters; then the compiled form is the only one that fits. */
function spelledTokens({ name, spelled }: SpelledName) {
  const tokens = tokensOf(name);
  const asSpelled = spelled === undefined || spelled === 0 ? tokens : tokensOf(spelled);
  return { tokens, spelled: asSpelled.length === tokens.length ? asSpelled : tokens };
}
