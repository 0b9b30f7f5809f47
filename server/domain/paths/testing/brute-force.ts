import { type EntryShape, hasWildcard, type Part, type Piece } from "./entry-shape.ts";

/** Whether the entry covers the path, found by trying everything; case is folded as for ASCII. */
export function covers(shape: EntryShape, path: string): boolean {
  return matchParts(shape.parts, path.toLowerCase().split("/"), !hasWildcard(shape));
}

function matchParts(parts: readonly Part[], names: readonly string[], tree: boolean): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return names.length === 0 || tree;
  if (part === "**") {
    const fewest = rest.length === 0 ? 1 : 0;
    return (
      names.some((_, taken) => taken >= fewest && matchParts(rest, names.slice(taken), tree)) ||
      (names.length >= fewest && matchParts(rest, [], tree))
    );
  }
  if ("either" in part) return part.either.some((option) => matchParts([...option, ...rest], names, tree));
  const [name, ...others] = names;
  return name !== undefined && name !== "" && matchPieces(part, name) && matchParts(rest, others, tree);
}

function matchPieces(pieces: readonly Piece[], text: string): boolean {
  const [piece, ...rest] = pieces;
  if (piece === undefined) return text === "";
  if (piece === "*") return [...text, ""].some((_, taken) => matchPieces(rest, text.slice(taken)));
  if (typeof piece === "object" && "either" in piece) {
    return piece.either.some(
      (option) => text.startsWith(option.toLowerCase()) && matchPieces(rest, text.slice(option.length)),
    );
  }
  const first = text[0];
  return first !== undefined && reads(piece, first) && matchPieces(rest, text.slice(1));
}

function reads(piece: Exclude<Piece, "*" | { readonly either: readonly string[] }>, character: string): boolean {
  if (piece === "?") return true;
  if ("literal" in piece) return piece.literal.toLowerCase() === character;
  return piece.oneOf.toLowerCase().includes(character) !== piece.negated;
}

/** Every path of up to `depth` names of up to `length` of these letters; `.` and `..` are no names. */
export function everyPath(letters: string, length: number, depth: number): readonly string[] {
  const names = combinations([...letters], length, "").filter((name) => name !== "." && name !== "..");
  return combinations(names, depth, "/");
}

function combinations(items: readonly string[], length: number, separator: string): readonly string[] {
  let longest: readonly string[] = items;
  const all = [...items];
  for (let count = 1; count < length; count++) {
    longest = longest.flatMap((start) => items.map((item) => start + separator + item));
    all.push(...longest);
  }
  return all;
}
