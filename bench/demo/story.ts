import type { CommandResult, DemoAgent } from "./demo-agent.ts";
import type { DemoTerminal } from "./demo-terminal.ts";
import type { Scene, SceneFeature } from "./scene.ts";

/** Exit code of a command that somebody else's claim stood in the way of. */
const CONFLICT = 3;

/** A command did not do what the story says it does. */
export class StoryError extends Error {
  constructor(agent: DemoAgent, args: readonly string[], what: string, { exitCode, output }: CommandResult) {
    super(`${agent.name} $ nexus ${args.join(" ")}\n${what}; it ended with exit code ${exitCode} and said\n${output}`);
    this.name = "StoryError";
  }
}

/** Who plays. */
export interface Cast {
  readonly ana: DemoAgent;
  readonly ben: DemoAgent;
}

/** Logs both in and makes the project with its features, of which only the first two are shown. */
export async function setTheScene({ ana, ben }: Cast, scene: Scene, terminal: DemoTerminal): Promise<void> {
  for (const agent of [ana, ben]) {
    const name = agent.engineer.charAt(0).toUpperCase() + agent.engineer.slice(1);
    await expect(agent, ["login", "--register", "--email", emailOf(agent), "--name", name]);
  }
  await expect(ana, ["project", "create", scene.project]);
  await expect(ana, ["project", "add-member", emailOf(ben), "--project", scene.project]);
  for (const agent of [ana, ben]) await expect(agent, ["project", "use", scene.project]);

  await terminal.remark(`Ana writes down what is to be done in ${scene.project}, and which files it touches.`);
  for (const feature of [scene.first, scene.overlapping]) {
    await show(terminal, ana, createCommand(feature), [feature.slug, ...feature.touches]);
  }
  await expect(ana, createCommand(scene.other));
  for (const { slug } of [scene.first, scene.overlapping, scene.other]) await expect(ana, ["feature", "ready", slug]);
  const slugs = [scene.first.slug, scene.overlapping.slug, scene.other.slug];
  await show(terminal, ben, ["feature", "available"], slugs);
}

/** Two agents go for overlapping features. Throws a StoryError as soon as anything goes otherwise than told. */
export async function tellTheStory({ ana, ben }: Cast, scene: Scene, terminal: DemoTerminal): Promise<void> {
  const { first, overlapping, other, sharedFile } = scene;
  await terminal.remark("Ana's agent picks the first: all the files that it touches are claimed, or none.");
  await show(terminal, ana, ["feature", "pick", first.slug], [first.slug, ...first.touches]);

  await terminal.remark(`Ben's agent wants the second. Both would write ${sharedFile}, so it is refused.`);
  const pick = ["feature", "pick", overlapping.slug];
  await show(
    terminal,
    ben,
    pick,
    ["Ana", "claude", first.slug, ...sharedTouches(scene), sharedFile, other.slug],
    CONFLICT,
  );
  const suggestion = await suggestedInstead(ben, pick, other);

  await terminal.remark("The refusal names a feature that is free. Ben's agent takes that one, and completes it.");
  await show(terminal, ben, ["feature", "pick", suggestion], [suggestion]);
  await show(terminal, ben, ["feature", "done"], [suggestion]);

  await terminal.remark("Ana's agent has a question for Ana and gives its feature back: its files are free at once.");
  await show(terminal, ana, ["feature", "release"], [first.slug]);

  await terminal.remark("Now the same pick succeeds.");
  await show(terminal, ben, pick, [overlapping.slug, ...overlapping.touches]);
}

/** What a program reads of the refusal: its reason, the witness, the holder, and what is free instead. */
async function suggestedInstead(ben: DemoAgent, pick: readonly string[], expected: SceneFeature): Promise<string> {
  const result = await ben.nexus([...pick, "--json"]);
  const refusal = parseRefusal(result.stderr);
  const suggestion = refusal?.details?.[0]?.suggestions?.[0]?.slug;
  if (result.exitCode !== CONFLICT || refusal?.reason !== "CLAIM_CONFLICT" || suggestion !== expected.slug) {
    throw new StoryError(ben, pick, `should be a CLAIM_CONFLICT that suggests ${expected.slug}`, result);
  }
  return suggestion;
}

interface Refusal {
  readonly reason?: string;
  readonly details?: readonly { readonly suggestions?: readonly { readonly slug?: string }[] }[];
}

function parseRefusal(stderr: string): Refusal | undefined {
  try {
    return (JSON.parse(stderr) as { readonly error?: Refusal }).error;
  } catch {
    return undefined;
  }
}

async function show(
  terminal: DemoTerminal,
  agent: DemoAgent,
  args: readonly string[],
  words: readonly string[],
  exitCode = 0,
): Promise<void> {
  terminal.command(agent.name, args);
  const result = await agent.nexus(args);
  await terminal.output(result);
  check(agent, args, result, words, exitCode);
}

async function expect(agent: DemoAgent, args: readonly string[]): Promise<void> {
  check(agent, args, await agent.nexus(args), [], 0);
}

function check(
  agent: DemoAgent,
  args: readonly string[],
  result: CommandResult,
  words: readonly string[],
  exitCode: number,
): void {
  if (result.exitCode !== exitCode) throw new StoryError(agent, args, `should end with exit code ${exitCode}`, result);
  const unsaid = words.filter((word) => !result.output.includes(word));
  if (unsaid.length > 0) throw new StoryError(agent, args, `should name ${unsaid.join(", ")}`, result);
}

/** The touch of either feature in which they meet. */
function sharedTouches({ first, overlapping }: Scene): string[] {
  return [first, overlapping].flatMap(({ touches }) => touches.slice(0, 1));
}

function createCommand({ title, touches }: SceneFeature): string[] {
  return ["feature", "create", "--title", title, ...touches.flatMap((touch) => ["--touch", touch])];
}

function emailOf({ engineer }: DemoAgent): string {
  return `${engineer}@demo.invalid`;
}
