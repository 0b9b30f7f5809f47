import { textWidth } from "./text-width.ts";

/** Lines are no longer than this for reading, however wide the terminal is. */
const READABLE = 80;

/** The columns that running text may take: the terminal's, 80 at most, and 80 where there is no terminal. */
export function readableWidth({ width }: { readonly width: number | undefined }): number {
  return Math.min(width ?? READABLE, READABLE);
}

/**
 * Clean text in lines of at most so many columns, broken at blanks. A word that is longer than that keeps a line of its
 * own: it may be a command that is copied.
 */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && textWidth(line) + 1 + textWidth(word) > columns) {
      lines.push(line.trimEnd());
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line.trimEnd()];
}

/** A term and its text beside it, which is wrapped under itself; below the term where that is too wide. */
export function wrapEntry(term: string, text: string, termWidth: number, columns: number): string {
  const indent = "  ";
  const hanging = " ".repeat(indent.length + termWidth + 2);
  const lines = wrapText(text, Math.max(20, columns - hanging.length));
  const beside = textWidth(term) <= termWidth;
  const [first = "", ...rest] = lines;
  const head = beside
    ? `${indent}${term}${" ".repeat(termWidth - textWidth(term))}  ${first}`
    : `${indent}${term}\n${hanging}${first}`;
  return `${[head.trimEnd(), ...rest.map((line) => hanging + line)].join("\n")}\n`;
}

/** Running text, wrapped and indented by two columns. */
export function indentText(text: string, columns: number): string {
  return wrapText(text, columns - 2)
    .map((line) => `  ${line}\n`)
    .join("");
}

/** A command line that can be copied as it stands, indented by four columns; a long one goes on after a backslash. */
export function breakCommand(command: string, columns: number): string {
  if (textWidth(command) + 4 <= columns) return `    ${command}\n`;
  const parts = command.split(/ (?=--|&& )/);
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(last) + textWidth(part) + 9 <= columns)
      lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(part);
  }
  return `    ${lines.join(" \\\n      ")}\n`;
}
