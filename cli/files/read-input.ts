import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CliError } from "../cli-error.ts";
import type { NexusContext } from "../context.ts";

/**
 * The text of a file, or of stdin for `-`.
 *
 * @throws CliError FILE_UNUSABLE when the file can't be read
 */
export async function readInput(name: string, context: NexusContext): Promise<string> {
  if (name === "-") return readStdin(context);
  try {
    return readFileSync(resolve(context.cwd, name), "utf8");
  } catch (cause) {
    throw new CliError("FILE_UNUSABLE", `${name} can't be read: ${(cause as Error).message}`, "", { cause });
  }
}

/** A text that is given on the command line, or stdin for `-`. */
export async function readText(text: string, context: NexusContext): Promise<string> {
  return text === "-" ? readStdin(context) : text;
}

async function readStdin({ stdin }: NexusContext): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}
