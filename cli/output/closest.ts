/**
 * The candidate that is the fewest edits away from any of the typed texts; undefined when none is near enough to be
 * meant (a third of its length, at least 2 edits). Levenshtein's distance by rows.
 */
export function closest(typed: readonly string[], candidates: readonly string[]): string | undefined {
  let best: { readonly candidate: string; readonly edits: number } | undefined;
  for (const candidate of candidates) {
    const edits = Math.min(...typed.map((text) => distance(text, candidate)));
    const near = edits <= Math.max(2, Math.floor(candidate.length / 3));
    if (near && (best === undefined || edits < best.edits)) best = { candidate, edits };
  }
  return best?.candidate;
}

function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
