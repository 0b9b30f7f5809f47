import { compileReading } from "./compile-reading.ts";
import { type Atom, nodesToText } from "./entry-node.ts";
import { expandChoices } from "./expand-choices.ts";
import { byteLength, checkCharacters, checkDrive } from "./path-characters.ts";
import { PathProblem, quote } from "./path-problem.ts";
import type { Alternative, Pattern, Segment } from "./pattern.ts";
import { resolveSegments } from "./resolve-segments.ts";
import { scanEntry } from "./scan-entry.ts";

/** Bytes of an entry. */
export const MAX_ENTRY_BYTES = 1_024;
/** Characters and wildcards of all readings of an entry together: keeps the comparison of any two entries short. */
export const MAX_POSITIONS = 8_192;

const GLOB = "glob:";

/**
 * Parses one entry of the path language: a plain path or pattern, or a `glob:` entry. Answers what is wrong with it, in
 * words that say what to write instead, when it is not in the language.
 */
export function parsePattern(text: string, options: { readonly caseSensitive: boolean }): Pattern | PathProblem {
  return PathProblem.catch(() => parse(text, options.caseSensitive));
}

function parse(given: string, caseSensitive: boolean): Pattern {
  const entry = composeEntry(given);
  const glob = entry.startsWith(GLOB);
  const written = glob ? entry.slice(GLOB.length) : entry;

  const nodes = scanEntry(written, { syntax: glob ? "glob" : "plain", caseSensitive });
  const wildcards = nodes.some((node) => node.kind !== "character" && node.kind !== "slash");
  const segments = resolveSegments(nodes, { shown: entry, wildcards });
  const normal = segments.map(nodesToText).join("/");

  const slash: Atom = { kind: "slash", source: "/" };
  const readings = expandChoices(segments.flatMap((segment, index) => (index === 0 ? segment : [slash, ...segment])));
  const alternatives = readings.map((reading): Alternative => {
    const resolved = resolveSegments(reading, { shown: entry, wildcards });
    return { segments: compileReading(resolved, caseSensitive), tree: !wildcards };
  });
  checkSize(alternatives);
  // A file whose name begins with "glob:" keeps the "./" that told it from a glob entry.
  return { text: glob ? GLOB + normal : normal.startsWith(GLOB) ? `./${normal}` : normal, alternatives };
}

/** Checks an entry as a whole and composes it (NFC). */
export function composeEntry(given: string): string {
  // Before anything is spent on it: composing makes no text so much shorter.
  if (given.length > 4 * MAX_ENTRY_BYTES) throw tooLong();
  checkCharacters(given);
  const entry = given.normalize("NFC");
  if (byteLength(entry) > MAX_ENTRY_BYTES) throw tooLong();
  const body = entry.startsWith(GLOB) ? entry.slice(GLOB.length) : entry;
  if (body !== body.trim()) {
    throw new PathProblem(`${quote(entry)} begins or ends with white space; write ${quote(entry.trim())}`);
  }
  checkDrive(body);
  return entry;
}

function tooLong(): PathProblem {
  return new PathProblem(
    `it has more than ${MAX_ENTRY_BYTES} bytes; name a folder above it, or split it into several entries`,
  );
}

function checkSize(alternatives: readonly Alternative[]): void {
  let positions = 0;
  for (const { segments } of alternatives) for (const segment of segments) positions += segmentSize(segment);
  if (positions > MAX_POSITIONS) {
    throw new PathProblem(
      `its readings hold more than ${MAX_POSITIONS} characters together; split it into several entries, ` +
        'use fewer braces, or "?" for a wide character class',
    );
  }
}

function segmentSize(segment: Segment): number {
  if (segment === 0) return 1;
  if (typeof segment === "string") return segment.length;
  return segment.reduce<number>((sum, token) => sum + (typeof token === "number" ? 1 : (token.length + 1) / 2), 0);
}
