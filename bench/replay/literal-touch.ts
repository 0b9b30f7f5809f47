/** What would make a plain entry of the path language stand for other files, or be refused. */
const NOT_PLAIN = /[*?{\\]|^glob:/;
const SPECIAL_UNDER_GLOB = /[*?{}[\]\\]/g;

/**
 * The touch that covers a file of exactly this name. Most names are that touch themselves; one with `*`, `?`, `{` or
 * `\` in it would be read as a pattern, so it becomes a `glob:` entry in which each of them is escaped.
 */
export function literalTouch(file: string): string {
  return NOT_PLAIN.test(file) ? `glob:${file.replace(SPECIAL_UNDER_GLOB, "\\$&")}` : file;
}
