/**
 * Characters that a terminal acts on instead of showing: controls, and those that reorder or hide text (bidi, zero
 * width, line and paragraph separators). Titles and paths come from others.
 */
const ACTING = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

/** The text on one line, with acting characters shown as `\u{…}`. */
export function cleanLine(text: string): string {
  return text.replace(ACTING, shown);
}

/** The text with its line breaks and tabs, all other acting characters shown as `\u{…}`. */
export function cleanBlock(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(ACTING, (character) => (character === "\n" || character === "\t" ? character : shown(character)));
}

function shown(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
