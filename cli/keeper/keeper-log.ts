import { appendFileSync, renameSync, statSync } from "node:fs";
import { cleanLine } from "../output/clean-text.ts";

/** The size from which on a new file is begun, in bytes; the one before is kept, so twice as much is there at most. */
const MAX_BYTES = 64 * 1_024;

/** Writes what a keeper does to a file, a line each. Where that can't be done it is left. */
export class KeeperLog {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  write(text: string): void {
    try {
      const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
      if (size >= MAX_BYTES) renameSync(this.#path, `${this.#path}.1`);
      appendFileSync(this.#path, `${new Date().toISOString()} ${cleanLine(text)}\n`, { mode: 0o600 });
    } catch {
      // A full disk, or a folder that was removed, is no reason to let a session go.
    }
  }
}
