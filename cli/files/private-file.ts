import { randomBytes } from "node:crypto";
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
  const folder = dirname(path);
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    writeFileSync(draft, content, { mode: 0o600, flag: "wx" });
    renameSync(draft, path);
  } catch (cause) {
    rmSync(draft, { force: true });
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
