import { CliError } from "../cli-error.ts";

/** A feature as it is written in a file: front matter, then the spec in Markdown. What is not said is undefined. */
export interface SpecFile {
  readonly slug?: string | undefined;
  readonly title?: string | undefined;
  readonly lane?: string | undefined;
  readonly touches?: readonly string[] | undefined;
  readonly dependsOn?: readonly string[] | undefined;
  readonly spec: string;
}

/** What a new feature's file looks like before anything is typed. */
export const SPEC_TEMPLATE = `---
# One line for people; the feature's name in commands is made of it.
title:
# How soon it is wanted: now, next, later, icebox.
lane: next
# The files that the work will change, from the top of the repository, one a line: "  - src/ui/**".
touches:
# Features that have to be done before, one a line.
depends-on:
---

`;

const TEXTS = ["slug", "title", "lane"] as const;
const LISTS = ["touches", "depends-on"] as const;
const KEYS: readonly string[] = [...TEXTS, ...LISTS];

/**
 * Reads front matter as people write it: `key: value`, and for lists `key: a, b`, `key: [a, b]` or a line `- a` each.
 * A line that begins with `#` is a comment. A file without front matter is all spec, and its first heading the title.
 *
 * @throws CliError USAGE_INVALID naming the line that can't be read
 */
export function parseSpecFile(text: string): SpecFile {
  const lines = text
    .replace(/^\ufeff/, "")
    .replaceAll("\r\n", "\n")
    .split("\n");
  if (lines[0]?.trimEnd() !== "---") return { title: headingIn(text), spec: text.trim() };
  const end = lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---");
  if (end === -1) throw unreadable(1, "the front matter that begins here has no end: a line ---");
  const fields = new Map<string, string[]>();
  let list: string[] | undefined;
  for (const [at, line] of lines.slice(1, end).entries()) {
    const number = at + 2;
    if (/^\s*(#|$)/.test(line)) continue;
    const [, item] = /^\s*-\s+(.*)$/.exec(line) ?? [];
    if (item !== undefined) {
      if (list === undefined) throw unreadable(number, "an entry of no list");
      list.push(unquoted(item));
      continue;
    }
    const [, key = "", value = ""] = /^([A-Za-z_-]+)\s*:(?:\s+(.*))?$/.exec(line) ?? [];
    const name = key.toLowerCase().replaceAll("_", "-");
    if (!KEYS.includes(name)) throw unreadable(number, `it is none of ${KEYS.map((one) => `"${one}:"`).join(", ")}`);
    if (fields.has(name)) throw unreadable(number, `a second "${name}:"`);
    const isList = LISTS.some((one) => one === name);
    const values = isList ? listIn(value) : [unquoted(value)];
    fields.set(name, values);
    list = isList ? values : undefined;
  }
  const given = (name: string) => fields.get(name)?.filter((value) => value !== "");
  return {
    slug: given("slug")?.[0],
    title: given("title")?.[0],
    lane: given("lane")?.[0],
    touches: given("touches"),
    dependsOn: given("depends-on"),
    spec: lines
      .slice(end + 1)
      .join("\n")
      .trim(),
  };
}

/** Braces may hold commas: `src/{a,b}.ts` is one entry. */
function listIn(value: string): string[] {
  const [, inner = value] = /^\[(.*)\]$/.exec(value.trim()) ?? [];
  return (inner.match(/(?:[^,{]|\{[^}]*\})+/g) ?? []).map(unquoted).filter((entry) => entry !== "");
}

function unquoted(value: string): string {
  const text = value.trim();
  const [, , inner = text] = /^(["'])(.*)\1$/.exec(text) ?? [];
  return inner;
}

function headingIn(text: string): string | undefined {
  return /^#\s+(.+?)\s*#*$/m.exec(text)?.[1];
}

function unreadable(line: number, why: string): CliError {
  return new CliError("USAGE_INVALID", `line ${line} of the spec can't be read: ${why}`);
}

/** The same the other way: what parseSpecFile reads back. */
export function formatSpecFile({ slug, title, lane, touches = [], dependsOn = [], spec }: SpecFile): string {
  const entries = (list: readonly string[]) => list.map((entry) => `\n  - ${entry}`).join("");
  return [
    "---",
    ...(slug === undefined ? [] : [`slug: ${slug}`]),
    `title: ${title ?? ""}`,
    `lane: ${lane ?? "next"}`,
    `touches:${entries(touches)}`,
    `depends-on:${entries(dependsOn)}`,
    "---",
    "",
    spec,
    "",
  ].join("\n");
}
