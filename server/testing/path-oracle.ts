/**
 * Decides overlap the slow and obvious way, for tests only: by trying every path of a small world. It knows the
 * entries that `oracleSegments` can be put together to and shares no code with the production matcher.
 */

/** Segments that test entries are made of; any two that have a name in common have one among NAMES. */
export const oracleSegments = ["a", "b", "a.t", "*", "?", "*.t", "a*", "{a,b}", "{a.t,b}", "**"] as const;

const NAMES = ["a", "b", "a.t", "b.t"];
/** Deep enough for a literal of three segments with another entry's two segments below it, and one more. */
const MAX_DEPTH = 6;

const world = everyPath();
const covered = new Map<string, ReadonlySet<string>>();

/** Whether two entries cover a path in common. */
export function oracleOverlap(a: string, b: string): boolean {
  const inA = coveredPaths(a);
  for (const path of coveredPaths(b)) {
    if (inA.has(path)) {
      return true;
    }
  }
  return false;
}

function coveredPaths(entry: string): ReadonlySet<string> {
  let paths = covered.get(entry);
  if (paths === undefined) {
    const expression = expressionOf(entry);
    paths = new Set(world.filter((path) => expression.test(path)));
    covered.set(entry, paths);
  }
  return paths;
}

function expressionOf(entry: string): RegExp {
  if (!/[*?{]/.test(entry)) {
    return new RegExp(`^${entry.replaceAll(".", "\\.")}(/|$)`);
  }
  const body = entry
    .replaceAll(".", "\\.")
    .replaceAll("{", "(")
    .replaceAll(",", "|")
    .replaceAll("}", ")")
    .replaceAll("?", "[^/]")
    .replace(/(?<!\*)\*(?!\*)/g, "[^/]*")
    .replace(/\*\*$/, ".+")
    .replaceAll("**/", "(.+/)?");
  return new RegExp(`^${body}$`);
}

function everyPath(): string[] {
  const paths: string[] = [];
  let level = NAMES;
  for (let depth = 1; depth <= MAX_DEPTH; depth++) {
    paths.push(...level);
    level = level.flatMap((path) => NAMES.map((name) => `${path}/${name}`));
  }
  return paths;
}
