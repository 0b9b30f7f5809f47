import { readFileSync } from "node:fs";
import os from "node:os";
import { terminalOf } from "../output/terminal.ts";
import { run } from "../run.ts";

// Runs many command lines one after another, as golden.integration.test.ts wants them: what they print is what a person
// sees, since the streams are this process's own, but the clock stands still and starting costs nothing.

/** What is to be run. */
export interface Plan {
  /** What the clock shows. */
  readonly nowMs: number;
  /** What this machine is called. */
  readonly host: string;
  readonly steps: readonly {
    readonly args: readonly string[];
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    /** Ctrl-C as soon as this was printed. */
    readonly until?: string | undefined;
  }[];
}

/** Stands after what a step printed, and after its exit code. */
export const MARK = "\u001e";

/** What was printed so far. */
let printed = "";
let atPrint = () => {};

/** Runs the plan in that file. */
async function drive(file: string): Promise<void> {
  const plan = JSON.parse(readFileSync(file, "utf8")) as Plan;
  os.hostname = () => plan.host;
  const { stdin, stdout, stderr, platform, env } = process;
  for (const stream of [stdout, stderr]) listenTo(stream);
  for (const { args, cwd, env: added, until } of plan.steps) {
    process.chdir(cwd);
    let interrupt = (_signal: NodeJS.Signals) => {};
    const begun = printed.length;
    atPrint = () => {
      if (until === undefined || !printed.includes(until, begun)) return;
      atPrint = () => {};
      setImmediate(() => interrupt("SIGINT"));
    };
    const exitCode = await run(args.map(filledIn), {
      ...{ stdin, stdout, stderr, cwd, platform, programFolder: cwd, env: { ...env, ...added } },
      colorDepth: terminalOf(stdout, env).color ? 4 : 1,
      now: () => new Date(plan.nowMs),
      onInterrupt(listener) {
        interrupt = listener;
        return () => {};
      },
    });
    atPrint = () => {};
    stdout.write(`${MARK}${exitCode}${MARK}`);
    if (!stdout.isTTY) stderr.write(`${MARK}${exitCode}${MARK}`);
  }
}

function listenTo(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream);
  stream.write = (text: string | Uint8Array) => {
    printed += String(text);
    const hasRoom = write(text);
    atPrint();
    return hasRoom;
  };
}

/** `@<pattern>` stands for what its group matched last in all that was printed. */
function filledIn(arg: string): string {
  if (!arg.startsWith("@")) return arg;
  return [...printed.matchAll(new RegExp(arg.slice(1), "g"))].at(-1)?.[1] ?? arg;
}

const [, , plan] = process.argv;
if (plan?.endsWith("plan.json")) void drive(plan);
