/**
 * Characters that part words, beside white space and what PostgreSQL's parser takes for a blank anyway. They are named
 * because that parser reads `src/auth.ts`, `a-b` and `<T>` as one file, compound and tag, which nobody searches for, and
 * because in the C locale it takes everything beyond ASCII for a letter.
 */
export const SEPARATORS = "/\\._-:@<>&+~“”‘’…–—、。，：（）";

/** Of a query as many words count; enough for any question, and bounded whatever is sent. */
const MAX_WORDS = 32;
/** Characters of a query that are looked at. */
const MAX_QUERY = 10_000;

const APART = new RegExp(`[${SEPARATORS.replace(/[\\\-.]/g, "\\$&")}\\p{Cc}\\p{Cs}\ufffd]`, "gu");
/** A phrase, or a minus with the rest of the word that it excludes, which is empty before a phrase. */
const PHRASE_OR_EXCLUDED = /"[^"]*"|(?<=^|\s)-(?=[^\s-])([^\s"]*)/g;
/** Said so that it survives the parting of words: "not what follows". */
const NOT = "\ue000";
/** What is excluded, once the words are parted. */
const EXCLUSION = /-("[^"]*"?|\S+)/g;

/** A query, for websearch_to_tsquery. */
export interface SearchQuery {
  readonly match: string;
  /** Its words that may occur; may be none. */
  readonly marked: readonly string[];
}

/**
 * A query as PostgreSQL's websearch_to_tsquery takes it: words, "phrases", `or`, and `-` before a word that must not
 * occur. Never refused, whatever it is.
 *
 * @returns undefined when there is no word in it
 */
export function searchQuery(text: string): SearchQuery | undefined {
  const parted = text
    .slice(0, MAX_QUERY)
    .replaceAll(NOT, " ")
    .replace(PHRASE_OR_EXCLUDED, (whole, word?: string) => (word === undefined ? whole : NOT + oneTerm(word)))
    .replace(APART, " ")
    .replaceAll(NOT, "-");
  const words = parted.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (words.length === 0) return undefined;
  // Where their order does not matter, the same word again says nothing.
  const ordered = words.some((word) => word.includes('"') || word.toLowerCase() === "or");
  const counted = (ordered ? words : [...new Set(words)]).slice(0, MAX_WORDS);
  const match = counted.join(" ");
  const marked = match
    .replace(EXCLUSION, " ")
    .replaceAll('"', " ")
    .split(/\s+/)
    .filter((word) => word !== "");
  return { match, marked };
}

/** A word that falls apart is a phrase, so that what is excluded is the whole of it, not its first part. */
function oneTerm(word: string): string {
  const parts = word.replace(APART, " ").trim();
  return /\s/.test(parts) ? `"${parts}"` : parts;
}

/**
 * The expression of a column `search`: every word as it stands and by its English stem, the title's with more weight,
 * and the project's id as a word that no text can contain, so that the index keeps projects apart.
 *
 * @param title SQL of the title; undefined where there is none
 * @param body SQL of the rest
 */
export function searchExpression(title: string | undefined, body: string): string {
  const parts = [`array_to_tsvector(array["project_id"::text])`];
  if (title !== undefined) parts.push(`setweight(${vectorOf(title)}, 'A')`);
  parts.push(vectorOf(body));
  return parts.join(" || ");
}

function vectorOf(text: string): string {
  const words = `translate(${text}, ${quoted(SEPARATORS)}, ${quoted(" ".repeat([...SEPARATORS].length))})`;
  return `to_tsvector('simple', ${words}) || to_tsvector('english', ${words})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
