/**
 * Characters that a terminal acts on instead of showing, or that only a program sees: controls, format characters
 * (bidi, zero width, tags), line and paragraph separators, lone surrogates, and the variation selectors that no emoji
 * needs. Titles and paths come from others, and agents read them.
 */
const ACTING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|[\u{e0100}-\u{e01ef}]/gu;

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

/** A value as JSON on one line, with acting characters escaped as JSON itself does: a program reads what was written. */
export function jsonLine(value: unknown): string {
  const escaped = (character: string) =>
    character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `${JSON.stringify(value).replace(ACTING, escaped)}\n`;
}

function shown(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
