import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../cli-error.ts";
import type { NexusContext } from "../context.ts";
import { writePrivateFile } from "../files/private-file.ts";
import { stateFolder } from "../files/user-folders.ts";

/**
 * Keeps a text in `drafts` of the user's state folder, and answers the file's path.
 *
 * @param kind what the text is of; the file's name begins with it
 * @throws CliError FILE_UNUSABLE when it can't be written
 */
export function keepDraft(text: string, { env, now }: NexusContext, kind = "feature"): string {
  const time = now().toISOString().replace(/\..*/, "").replaceAll(/[:T]/g, "-");
  const path = join(stateFolder(env), "drafts", `${kind}-${time}-${process.pid}.md`);
  writePrivateFile(path, text);
  return path;
}

/** Removes a draft that is not needed any more. */
export function removeDraft(path: string): void {
  rmSync(path, { force: true });
}

/** Whether there is somebody to write in an editor. */
export function canEdit({ stdin, stdout }: NexusContext): boolean {
  return [stdin, stdout].every((stream) => (stream as { readonly isTTY?: boolean }).isTTY === true);
}

/**
 * Opens a file in the user's editor (VISUAL, else EDITOR, else vi), waits for its end, and answers what the file says
 * then. Ctrl-C meanwhile is the editor's.
 *
 * @throws CliError FILE_UNUSABLE when the editor can't be run, or fails; the file stays
 */
export async function editDraft(path: string, { env, onInterrupt }: NexusContext): Promise<string> {
  const editor = env["VISUAL"] || env["EDITOR"] || "vi";
  const forget = onInterrupt(() => {});
  try {
    // The variable may carry arguments, as in `code --wait`.
    const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, editor, path], { env: { ...env }, stdio: "inherit" });
    const [exitCode] = (await once(child, "exit")) as [number | null];
    if (exitCode !== 0) {
      const why = exitCode === 127 ? "can't be run" : "has failed";
      throw new CliError("FILE_UNUSABLE", `the editor ${JSON.stringify(editor)} ${why}`, "EDITOR=<editor> nexus …");
    }
    return readFileSync(path, "utf8");
  } finally {
    forget();
  }
}
