import type { ReadStream } from "node:tty";
import type { NexusContext } from "../context.ts";
import { Interrupted } from "../interrupted.ts";
import { readInput } from "./read-input.ts";

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const ERASE = new Set(["\b", "\u007f"]);

/**
 * One line that nobody may see: on a terminal it is asked for and not shown while it is typed, else it is read from
 * stdin.
 *
 * @throws Interrupted at Ctrl-C
 */
export async function readSecret(question: string, context: NexusContext): Promise<string> {
  const stdin = context.stdin as ReadStream;
  if (stdin.isTTY !== true) return (await readInput("-", context)).trim();
  // Before anything invites to type: what is typed from then on is not shown.
  stdin.setRawMode(true);
  context.stderr.write(`${question}: `);
  try {
    return await typedLine(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    context.stderr.write("\n");
  }
}

function typedLine(stdin: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = "";
    const settle = (end: () => void) => {
      stdin.off("data", read);
      stdin.off("end", done);
      end();
    };
    const done = () => settle(() => resolve(line.trim()));
    const read = (typed: Buffer) => {
      for (const character of typed.toString("utf8")) {
        if (character === CTRL_C) return settle(() => reject(new Interrupted("SIGINT")));
        if (character === "\r" || character === "\n" || character === CTRL_D) return done();
        line = ERASE.has(character) ? line.slice(0, -1) : line + character;
      }
    };
    stdin.on("data", read);
    stdin.on("end", done);
    stdin.resume();
  });
}
