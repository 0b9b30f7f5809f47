import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "../cli-error.ts";

/**
 * Writes a file that only its user can read (mode 600 in a folder of mode 700). Another process sees the old content
 * or the new one, never a part.
 *
 * @throws CliError FILE_UNUSABLE when it can't be written
 */
export function writePrivateFile(path: string, content: string): void {
  writeDraft(path, content, (draft) => renameSync(draft, path));
}

/**
 * Fails where writePrivateFile would, and changes nothing. For use before what can't be undone and whose outcome has to
 * be kept.
 *
 * @throws CliError FILE_UNUSABLE when the file can't be written
 */
export function ensureWritable(path: string): void {
  writeDraft(path, "{}\n", (draft) => rmSync(draft));
}

function writeDraft(path: string, content: string, finish: (draft: string) => void): void {
  const folder = dirname(path);
  // No random bytes: every command reads its files through here, and node:crypto is slow to load.
  const draft = `${path}.${process.pid}-${process.hrtime.bigint()}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    try {
      writeFileSync(draft, content, { mode: 0o600, flag: "wx" });
      finish(draft);
    } catch (cause) {
      rmSync(draft, { force: true });
      throw cause;
    }
  } catch (cause) {
    throw new CliError("FILE_UNUSABLE", `${path} can't be written: ${(cause as Error).message}`, "", { cause });
  }
}

/**
 * A JSON file's value, undefined when there is no such file.
 *
 * @throws CliError FILE_UNUSABLE when it can't be read or is not JSON
 */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CliError("FILE_UNUSABLE", `${path} can't be read: ${(cause as Error).message}`, "", { cause });
  }
}
