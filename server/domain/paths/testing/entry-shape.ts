/**
 * Entries of the path language as the tests describe them: made from a list of choices, printed as text for the parser,
 * and matched (brute-force.ts) without it. Nothing here is shared with the code under test.
 */
export interface EntryShape {
  readonly glob: boolean;
  readonly parts: readonly Part[];
}

/** `**`, one segment, or braces around several runs of segments. */
export type Part = "**" | readonly Piece[] | { readonly either: readonly (readonly Part[])[] };

/** What one segment is made of. */
export type Piece =
  | "?"
  | "*"
  | { readonly literal: string }
  | { readonly oneOf: string; readonly negated: boolean }
  | { readonly either: readonly string[] };

/** What a generator may use: little enough that all paths over it can be enumerated. */
export interface ShapeLimits {
  readonly parts: number;
  readonly pieces: number;
  readonly letters: string;
  /** Classes, as their characters; a leading `!` negates. */
  readonly classes: readonly string[];
  /** Whether stars come much more often, so that runs between stars have to be found in order. */
  readonly starry?: boolean;
}

/** What a piece and a part may be, by number; more than once what comes more often. */
const PIECES = [0, 0, 0, 3, 4, 4, 6, 7];
const STARRY_PIECES = [0, 0, 0, 4, 4, 3];
const PARTS = [0, 0, 0, 0, 4, 5];
const STARRY_PARTS = [0, 0, 4];

/**
 * Makes an entry of a list of numbers; a shorter or smaller list makes a simpler entry, which is what shrinking needs.
 */
export function shapeOf(choices: readonly number[], limits: ShapeLimits): EntryShape {
  let at = 0;
  const choose = (count: number): number => (choices[at++] ?? 0) % count;
  const letters = [...limits.letters];
  const letter = (): string => letters[choose(letters.length)] ?? "a";

  const oneOf = (kinds: readonly number[]): number => kinds[choose(kinds.length)] ?? 0;

  const piece = (wild: boolean, braces: boolean): Piece => {
    const kind = wild ? oneOf(limits.starry ? STARRY_PIECES : PIECES) : 0;
    if (kind === 3) return "?";
    if (kind === 4) return "*";
    const written = kind === 6 && limits.classes.length > 0 ? limits.classes[choose(limits.classes.length)] : undefined;
    if (written !== undefined) return { oneOf: written.replace("!", ""), negated: written.startsWith("!") };
    if (kind === 7 && braces) return { either: [letter(), ["", letter()][choose(2)] ?? ""] };
    return { literal: letter() };
  };
  const segment = (wild: boolean): readonly Piece[] => {
    const pieces: Piece[] = [];
    for (let count = 1 + choose(limits.pieces); count > 0; count--) {
      // One star a segment where there are braces: an empty option between two would make them "**".
      const next = piece(wild, !pieces.includes("*"));
      const afterStar =
        next === "*" && (pieces.at(-1) === "*" || pieces.some((p) => typeof p === "object" && "either" in p));
      if (!afterStar) pieces.push(next);
    }
    // Some reading could be "", "." or "..", which the parser resolves and the matcher does not know.
    const named = pieces.some((p) => typeof p === "string" || "oneOf" in p || ("literal" in p && p.literal !== "."));
    return named ? pieces : [...pieces.slice(0, -1), { literal: "a" }];
  };
  const part = (wild: boolean, depth: number): Part => {
    const kind = wild ? oneOf(limits.starry ? STARRY_PARTS : PARTS) : 0;
    if (kind === 4) return "**";
    if (kind === 5 && depth === 0)
      return { either: [[part(true, 1)], [part(true, 1), part(false, 1)].slice(choose(2))] };
    return segment(wild);
  };

  const wild = choose(4) !== 3;
  const parts: Part[] = [];
  for (let count = 1 + choose(limits.parts); count > 0; count--) parts.push(part(wild, 0));
  return { glob: limits.classes.length > 0, parts };
}

/** The text of the entry. */
export function shapeToText({ glob, parts }: EntryShape): string {
  return (glob ? "glob:" : "") + partsToText(parts);
}

function partsToText(parts: readonly Part[]): string {
  return parts
    .map((part) => {
      if (part === "**") return part;
      if ("either" in part) return `{${part.either.map(partsToText).join(",")}}`;
      return part.map(pieceToText).join("");
    })
    .join("/");
}

function pieceToText(piece: Piece): string {
  if (typeof piece === "string") return piece;
  if ("literal" in piece) return piece.literal;
  if ("either" in piece) return `{${piece.either.join(",")}}`;
  return `[${piece.negated ? "!" : ""}${piece.oneOf}]`;
}

/** Whether the entry has a wildcard: then it covers only what it matches, else all below it as well. */
export function hasWildcard({ parts }: EntryShape): boolean {
  return parts.some(
    (part) => part === "**" || "either" in part || part.some((p) => typeof p === "string" || !("literal" in p)),
  );
}
