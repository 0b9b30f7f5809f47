/**
 * The folders, or the whole path, that everything covered by an entry lies at or below: in lower case and with a `/` at
 * the end, or empty when that can't be told at a glance. The entry is in normal form.
 */
export function literalHead(entry: string): string {
  // Folding beyond ASCII, and escapes, are for the exact test.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the first character of ASCII
  if (entry.startsWith("glob:") || !/^[\u0000-\u007f]*$/.test(entry)) return "";
  const wild = entry.search(/[*?{]/);
  const head = wild === -1 ? entry : entry.slice(0, Math.max(0, entry.lastIndexOf("/", wild)));
  return head === "" ? "" : `${head.toLowerCase()}/`;
}

/**
 * Whether two entries with these heads may cover a path in common. False is certain; it spares parsing and the exact
 * test, which cost a hundred times more.
 */
export function headsMayMeet(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}
