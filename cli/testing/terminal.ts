import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished } from "vitest";
import { NEXUS } from "./cli-world.ts";

/** A command in a terminal of its own, and somebody who types. */
export interface TypedCommand {
  /** All that the terminal shows so far, lines ended by `\n` alone. */
  readonly shown: () => string;
  /** Waits until the terminal shows this. */
  until(text: string): Promise<void>;
  /** Types it; `\u0003` is Ctrl-C. */
  type(text: string): void;
  /** Waits for the end and answers the exit code. */
  ended(): Promise<number | null>;
}

/** Runs the real command line in a terminal of util-linux's `script`, for one test: with that it ends. */
export function inTerminal(
  args: readonly string[],
  { env, cwd }: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): TypedCommand {
  const words = [NEXUS, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const command = `stty cols 80 rows 50; exec ${words}`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], { env: { TERM: "xterm", ...env }, cwd });
  // Its terminal is gone then as well, which ends the command.
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const ended = once(child, "close") as Promise<[number | null]>;
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text.replaceAll("\r\n", "\n");
  });
  return {
    shown: () => shown,
    until: (text) => expect.poll(() => shown, { timeout: 30_000 }).toContain(text),
    type: (text) => child.stdin.write(text),
    async ended() {
      const [exitCode] = await ended;
      return exitCode;
    },
  };
}
