import { type Atom, literalOf, nodesToText } from "./entry-node.ts";
import { foldText } from "./fold.ts";
import { byteLength, checkDrive } from "./path-characters.ts";
import { PathProblem, quote } from "./path-problem.ts";
import { ANY, type Segment, STAR, type Token } from "./pattern.ts";

/** Segments of a path. */
export const MAX_SEGMENTS = 64;
/** Bytes of one segment: what file systems take. */
export const MAX_SEGMENT_BYTES = 255;

/**
 * Compiles the resolved segments of one reading.
 *
 * @throws PathProblem for `.git`, a drive letter, white space at an end, and beyond the limits
 */
export function compileReading(segments: readonly (readonly Atom[])[], caseSensitive: boolean): readonly Segment[] {
  checkEnds(segments);
  if (segments.length > MAX_SEGMENTS) {
    throw new PathProblem(`it has ${segments.length} segments; a path has at most ${MAX_SEGMENTS}`);
  }
  const compiled: Segment[] = [];
  for (const atoms of segments) {
    const source = nodesToText(atoms);
    if (byteLength(source) > MAX_SEGMENT_BYTES) {
      throw new PathProblem(
        `the segment ${quote(source)} has more than ${MAX_SEGMENT_BYTES} bytes, which no file name may have`,
      );
    }
    const segment = isGlobstar(atoms) ? 0 : compileSegment(atoms, caseSensitive);
    checkName(segment, source);
    if (segment !== 0 || compiled.at(-1) !== 0) compiled.push(segment);
  }
  if (compiled.at(-1) === 0) compiled.push([STAR]);
  return compiled;
}

/** White space at an end is mostly a slip of a list or a brace, and `C:` another machine's path. */
function checkEnds(segments: readonly (readonly Atom[])[]): void {
  const text = segments.map(nodesToText).join("/");
  const first = segments[0]?.[0];
  const last = segments.at(-1)?.at(-1);
  if (isSpace(first) || isSpace(last)) {
    throw new PathProblem(`${quote(text)} begins or ends with white space; remove it`);
  }
  checkDrive(literalOf(segments[0]?.slice(0, 2) ?? []) ?? "");
}

function isSpace(atom: Atom | undefined): boolean {
  return atom?.kind === "character" && /^\p{White_Space}$/u.test(atom.character);
}

function isGlobstar(atoms: readonly Atom[]): boolean {
  return atoms.length === 2 && atoms.every((atom) => atom.kind === "star");
}

/** Literal runs are folded as a whole, so that what composes with its neighbour does so here as in a path. */
function compileSegment(atoms: readonly Atom[], caseSensitive: boolean): Segment {
  const tokens: Token[] = [];
  let run = "";
  const endRun = (): void => {
    const text = caseSensitive ? run.normalize("NFC") : foldText(run);
    for (const character of text) tokens.push(character.codePointAt(0) as number);
    run = "";
  };
  for (const atom of atoms) {
    if (atom.kind === "character") run += atom.character;
    else if (atom.kind === "class" && typeof atom.token === "number") run += String.fromCodePoint(atom.token);
    else {
      endRun();
      if (atom.kind === "class") tokens.push(atom.token);
      else if (atom.kind === "any") tokens.push(ANY);
      else if (tokens.at(-1) !== STAR) tokens.push(STAR);
    }
  }
  endRun();
  const literal = tokens.every((token): token is number => typeof token === "number" && token >= 0);
  return literal ? String.fromCodePoint(...tokens) : tokens;
}

function checkName(segment: Segment, source: string): void {
  if (segment === "." || segment === "..") {
    throw new PathProblem(`${quote(source)} can only stand for ${quote(segment)}; write the path without it`);
  }
  if (typeof segment === "string" && foldText(segment) === ".git") {
    throw new PathProblem(`${quote(source)} is git's own folder, which is not part of the repository; leave it out`);
  }
}
