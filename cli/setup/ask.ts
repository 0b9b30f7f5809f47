import { createInterface } from "node:readline";
import { CliError } from "../cli-error.ts";
import type { NexusContext } from "../context.ts";

/** Whether somebody is there who can be asked. */
export function canAsk({ stdin, stderr }: NexusContext): boolean {
  const isTerminal = (stream: object) => (stream as { readonly isTTY?: boolean }).isTTY === true;
  return isTerminal(stdin) && isTerminal(stderr);
}

/**
 * Asks on the terminal. An empty answer is the `usual` one; without such it is asked again.
 *
 * @throws CliError when the input ends
 */
export async function ask(question: string, usual: string, context: NexusContext): Promise<string> {
  const lines = createInterface({ input: context.stdin, output: context.stderr, terminal: true });
  lines.on("SIGINT", () => {
    lines.close();
    process.kill(process.pid, "SIGINT");
  });
  try {
    return await new Promise<string>((resolve, reject) => {
      const again = () =>
        lines.question(`${question}${usual === "" ? "" : ` [${usual}]`}: `, (typed) => {
          const answer = typed.trim() || usual;
          if (answer === "") again();
          else resolve(answer);
        });
      lines.on("close", () => reject(new CliError("USAGE_INVALID", "the setup was broken off", "nexus setup")));
      again();
    });
  } finally {
    lines.close();
  }
}
