/**
 * Why a text is not in the path language. Parsers return it rather than throw it, so that one request can name all its
 * bad entries at once; inside this folder it is thrown.
 */
export class PathProblem extends Error {
  constructor(
    /** What is wrong and what to write instead: the description of a field violation. */
    readonly description: string,
  ) {
    super(description);
    this.name = "PathProblem";
  }

  /** Runs a parser that throws problems and answers the problem instead. */
  static catch<T>(parse: () => T): T | PathProblem {
    try {
      return parse();
    } catch (error) {
      if (error instanceof PathProblem) return error;
      throw error;
    }
  }
}

/** A piece of an entry as it can be shown in a description: quoted, and cut where it is long. */
export function quote(text: string): string {
  const characters = [...text];
  return JSON.stringify(characters.length > 80 ? `${characters.slice(0, 79).join("")}…` : text);
}
