const MAX_LENGTH = 63;

/**
 * A slug (`[a-z0-9][a-z0-9-]{0,62}`) for each id, in their order, no two alike: `#12` becomes `12`, and a second id
 * that would have the same slug gets `-2` at its end.
 */
export function featureSlugs(ids: readonly string[]): string[] {
  const taken = new Set<string>();
  return ids.map((id) => {
    const base = slugOf(id);
    let slug = base;
    for (let count = 2; taken.has(slug); count += 1) {
      const ending = `-${count}`;
      slug = base.slice(0, MAX_LENGTH - ending.length) + ending;
    }
    taken.add(slug);
    return slug;
  });
}

function slugOf(id: string): string {
  const words = id
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .slice(0, MAX_LENGTH)
    .replace(/-$/, "");
  return words === "" ? "feature" : words;
}
