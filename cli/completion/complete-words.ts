import type { FeatureStatus, Lane } from "@nexus/gen/nexus/v1/feature_pb";
import { Cli, type CommandClass } from "clipanion";
import { COMMANDS } from "../command-table.ts";
import type { NexusContext } from "../context.ts";
import { Progress } from "../output/progress.ts";
import { Workspace } from "../workspace.ts";

/** For the names that only the server knows, in milliseconds: who presses Tab does not wait. */
const SERVER_BOUND_MS = 800;
const MOST_NAMES = 500;
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

// Written out, since the generated enums bring all their messages with them; the compiler knows the names.
const LANES = ["now", "next", "later", "icebox"] satisfies Lowercase<keyof typeof Lane>[];
const STATUS_WORDS = ["draft", "ready", "active", "done", "cancelled"] satisfies Lowercase<
  keyof typeof FeatureStatus
>[];

/** What the options take whose values are known. */
const OPTION_VALUES: Readonly<Record<string, "feature" | "project" | readonly string[]>> = {
  "--feature": "feature",
  "--depends-on": "feature",
  "--before": "feature",
  "--project": "project",
  "--lane": LANES,
  "--status": STATUS_WORDS,
};

/** The features that a command can be about, where not all can. */
const STATUSES: Readonly<Record<string, keyof typeof FeatureStatus>> = {
  pick: "READY",
  unready: "READY",
  ready: "DRAFT",
  delete: "DRAFT",
  done: "ACTIVE",
  release: "ACTIVE",
  merged: "DONE",
};

/**
 * What the last of the words after `nexus` may become. Empty where nothing of ours fits, which is where the shell offers
 * files; also where the server does not say in time. Throws nothing.
 */
export async function completeWords(words: readonly string[], context: NexusContext): Promise<readonly string[]> {
  const before = words.slice(0, -1);
  const partial = words.at(-1) ?? "";
  const entry = COMMANDS.find(
    ({ words: named, alias }) =>
      named.every((word, at) => before[at] === word) || (alias !== undefined && alias === before[0]),
  );
  const found =
    entry === undefined
      ? commandWords(before)
      : await argumentsOf(await entry.load(), entry.words.at(-1) ?? "", before, partial, context);
  return [...new Set(found)].filter((word) => word.startsWith(partial)).sort();
}

/** The next word of every command that begins with these. */
function commandWords(before: readonly string[]): string[] {
  const paths = COMMANDS.flatMap(({ words, alias }) => (alias === undefined ? [words] : [words, [alias]]));
  return paths
    .filter((path) => path.length > before.length && before.every((word, at) => path[at] === word))
    .map((path) => path[before.length] ?? "");
}

async function argumentsOf(
  command: CommandClass<NexusContext>,
  verb: string,
  before: readonly string[],
  partial: string,
  context: NexusContext,
): Promise<readonly string[]> {
  const cli = new Cli<NexusContext>({ binaryName: "nexus" });
  cli.register(command);
  const [definition] = cli.definitions();
  const options = (definition?.options ?? []).map(({ definition: declared }) => ({
    names: declared.replace(/ #\d.*$/, "").split(","),
    takesValue: declared.includes(" #"),
  }));
  if (partial.startsWith("-")) {
    return options.flatMap(({ names }) => names.filter((name) => name.startsWith("--")));
  }
  const last = before.at(-1) ?? "";
  const takesValue = options.some((option) => option.takesValue && option.names.includes(last));
  const wanted = takesValue ? OPTION_VALUES[last] : positionalOf(definition?.usage ?? "");
  if (wanted === undefined) return [];
  return typeof wanted === "string" ? namesFromServer(wanted, verb, before, context) : wanted;
}

/** What the command is about, as its usage names it. */
function positionalOf(usage: string): "feature" | "project" | undefined {
  return /[<[](feature|project)[>\]]$/.exec(usage)?.[1] as "feature" | "project" | undefined;
}

async function namesFromServer(
  what: "feature" | "project",
  verb: string,
  before: readonly string[],
  context: NexusContext,
): Promise<readonly string[]> {
  const at = before.indexOf("--project");
  const bounded = { ...context, env: { ...context.env, NEXUS_TIMEOUT_MS: String(SERVER_BOUND_MS) } };
  const workspace = new Workspace(
    bounded,
    new Progress(context.stderr, { width: undefined, color: false }),
    at === -1 ? undefined : before[at + 1],
  );
  try {
    const named = what === "project" ? await projectsOf(workspace) : await featuresOf(workspace, STATUSES[verb]);
    // They come from others, and go to a shell.
    return named.map(({ slug }) => slug).filter((slug) => NAME.test(slug));
  } catch {
    return [];
  } finally {
    workspace.close();
  }
}

async function projectsOf({ client }: Workspace) {
  return (await client.projects.listProjects({ pageSize: MOST_NAMES })).projects;
}

async function featuresOf(workspace: Workspace, status: keyof typeof FeatureStatus | undefined) {
  const { FeatureStatus: values } = await import("@nexus/gen/nexus/v1/feature_pb");
  const statuses = status === undefined ? [] : [values[status]];
  const projectId = await workspace.projectId();
  return (await workspace.client.features.listFeatures({ projectId, statuses, pageSize: MOST_NAMES })).features;
}
