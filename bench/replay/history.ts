import { readFileSync } from "node:fs";

/** A change that was really made: one line of a history. */
export interface PastFeature {
  readonly id: string;
  /** The files that it changed, relative to the repository. */
  readonly files: readonly string[];
  /** How many lines it changed. */
  readonly lines: number;
}

/** The history can't be read; the message says which file and line, and what is wrong. */
export class HistoryError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HistoryError";
  }
}

/**
 * Reads a history: JSON Lines of `{"id", "files": […], "lines"}`, in the order of work. Further fields are passed over.
 *
 * @throws HistoryError
 */
export function readHistory(path: string): PastFeature[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new HistoryError(`${path} can't be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  const features = text.split("\n").flatMap((line, index) => {
    return line.trim() === "" ? [] : [parseLine(line, `${path}, line ${index + 1}`)];
  });
  if (features.length === 0) throw new HistoryError(`${path} has no features`);
  return features;
}

function parseLine(line: string, where: string): PastFeature {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new HistoryError(`${where}: is not JSON`, { cause });
  }
  const { id, files, lines } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof id !== "string" || id === "") throw new HistoryError(`${where}: "id" is not a text`);
  if (!Array.isArray(files) || !files.every((file) => typeof file === "string")) {
    throw new HistoryError(`${where}: "files" is not a list of texts`);
  }
  if (typeof lines !== "number" || !(lines >= 0)) throw new HistoryError(`${where}: "lines" is not a number from 0`);
  return { id, files, lines };
}
