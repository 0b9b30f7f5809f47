/** A feature of the demo's project. */
export interface SceneFeature {
  readonly slug: string;
  readonly title: string;
  readonly touches: readonly string[];
}

/** What the demo plays with: another one each time. */
export interface Scene {
  readonly project: string;
  /** Taken first. */
  readonly first: SceneFeature;
  /** Wants files of the first. */
  readonly overlapping: SceneFeature;
  /** Has nothing to do with the others. */
  readonly other: SceneFeature;
  /** A file that the first two would both write, though neither names it. */
  readonly sharedFile: string;
}

const PROJECTS = ["bakery", "cinema", "ferry", "garden", "kiosk", "library", "market", "orchard", "observatory"];
const FOLDERS = ["accounts", "booking", "catalog", "checkout", "inbox", "maps", "reports", "search"];
const FILES = ["cache", "client", "errors", "format", "limits", "model", "parser", "store"];
const PAGES = ["about", "contact", "gallery", "help", "pricing", "welcome"];
const CHANGES = ["rework", "speed-up", "simplify", "extend"];
const REPAIRS = ["mend", "tidy", "rename", "retype"];

/** Draws a scene. `random` answers numbers from 0 up to, not including, 1, like Math.random. */
export function drawScene(random: () => number): Scene {
  const draw = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? "";
  const [folder, file, page] = [draw(FOLDERS), draw(FILES), draw(PAGES)];
  const feature = (slug: string, ...touches: string[]): SceneFeature => {
    return { slug, title: `${slug.charAt(0).toUpperCase()}${slug.slice(1).replaceAll("-", " ")}`, touches };
  };
  return {
    project: `${draw(PROJECTS)}-${Math.floor(random() * 900) + 100}`,
    first: feature(`${draw(CHANGES)}-${folder}`, `src/${folder}/*.ts`, `docs/${folder}.md`),
    overlapping: feature(`${draw(REPAIRS)}-${file}`, `src/**/${file}.ts`, `test/${file}.test.ts`),
    other: feature(`write-${page}-page`, `web/${page}`),
    sharedFile: `src/${folder}/${file}.ts`,
  };
}
