import type { Atom, Node } from "./entry-node.ts";
import { PathProblem, quote } from "./path-problem.ts";
import { scanClass } from "./scan-class.ts";

/** How the characters of a text are read. */
export interface Reading {
  /** `path` takes every character for itself, `plain` knows `* ? {a,b}`, `glob` also `[abc]` and `\` escapes. */
  readonly syntax: "path" | "plain" | "glob";
  readonly caseSensitive: boolean;
}

/**
 * Reads the text of an entry (without `glob:`) into nodes. A brace is a choice only when it is closed and has a comma
 * of its own; other braces stand for themselves, since real files are called so.
 *
 * @throws PathProblem for a brace with a comma or a bracket that is not closed, and for a wrong `\`
 */
export function scanEntry(text: string, { syntax, caseSensitive }: Reading): readonly Node[] {
  const braces = new OpenBraces(text);
  const characters = [...text];
  let at = 0;
  while (at < characters.length) {
    const character = characters[at] as string;
    if (syntax === "glob" && character === "[") {
      const { atom, next } = scanClass(characters, at, caseSensitive);
      braces.add(atom);
      at = next;
    } else if (character === "\\") {
      braces.add(syntax === "glob" ? escaped(characters[at + 1], text) : refuseBackslash(text));
      at += 2;
    } else {
      if (syntax === "path" || !braces.take(character)) braces.add(plainAtom(character, syntax));
      at += 1;
    }
  }
  return braces.close();
}

function plainAtom(character: string, syntax: Reading["syntax"]): Atom {
  if (character === "/") return { kind: "slash", source: character };
  if (syntax !== "path" && character === "*") return { kind: "star", source: character };
  if (syntax !== "path" && character === "?") return { kind: "any", source: character };
  return { kind: "character", character, source: character };
}

function escaped(character: string | undefined, text: string): Atom {
  if (character === undefined) {
    throw new PathProblem(
      `${quote(text)} ends with a "\\" that escapes nothing; write "\\\\" for the character itself`,
    );
  }
  if (character === "/") {
    throw new PathProblem(`"\\/" in ${quote(text)}: a separator can't be escaped; write "/" alone`);
  }
  return { kind: "character", character, source: `\\${character}` };
}

function refuseBackslash(text: string): never {
  throw new PathProblem(
    `${quote(text)} has a "\\"; folders are separated by "/": write ${quote(text.replaceAll(/[\\/]+/g, "/").replace(/^\//, ""))} ` +
      '(only after "glob:" is "\\" known, as an escape)',
  );
}

interface OpenBrace {
  /** Runs that a comma has ended. */
  readonly options: Node[][];
  /** The run that is being read. */
  run: Node[];
}

/** The braces that are open at a place in the text, innermost last. */
class OpenBraces {
  readonly #root: Node[] = [];
  readonly #open: OpenBrace[] = [];

  constructor(private readonly text: string) {}

  add(...nodes: readonly Node[]): void {
    (this.#open.at(-1)?.run ?? this.#root).push(...nodes);
  }

  /** Whether the character belongs to a brace; if so it is dealt with. */
  take(character: string): boolean {
    const innermost = this.#open.at(-1);
    if (character === "{") {
      this.#open.push({ options: [], run: [] });
      return true;
    }
    if (innermost === undefined || (character !== "," && character !== "}")) return false;
    if (character === ",") {
      innermost.options.push(innermost.run);
      innermost.run = [];
      return true;
    }
    this.#open.pop();
    if (innermost.options.length > 0) this.add(this.#choice([...innermost.options, innermost.run]));
    else this.add(self("{"), ...innermost.run, self("}"));
    return true;
  }

  #choice(options: readonly (readonly Node[])[]): Node {
    if (options.some((option) => isSpace(option[0]) || isSpace(option.at(-1)))) {
      throw new PathProblem(
        `white space stands beside a "{", "," or "}" in ${quote(this.text)}, where it would be part of a name; remove it`,
      );
    }
    return { kind: "choice", options };
  }

  /** What was read; braces still open stand for themselves. */
  close(): readonly Node[] {
    for (let open = this.#open.pop(); open !== undefined; open = this.#open.pop()) {
      if (open.options.length > 0) {
        throw new PathProblem(
          `a "{" with a "," is not closed in ${quote(this.text)}; add "}", ` +
            'or begin with "glob:" and write "\\{" for a brace that is meant as one',
        );
      }
      this.add(self("{"), ...open.run);
    }
    return this.#root;
  }
}

/** Not when it is escaped: then it is meant. */
function isSpace(node: Node | undefined): boolean {
  return node?.kind === "character" && /^\p{White_Space}$/u.test(node.source);
}

function self(character: string): Atom {
  return { kind: "character", character, source: character };
}
