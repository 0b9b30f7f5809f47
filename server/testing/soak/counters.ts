import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files with a number each, which agents that hold them count up: read, then write. Nothing but claims keeps two apart. */
export class Counters {
  /** How often somebody was sure to have counted up, by path. */
  private readonly acknowledged = new Map<string, number>();

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  read(path: string): number {
    try {
      return Number(readFileSync(this.fileOf(path), "utf8"));
    } catch {
      return 0;
    }
  }

  /** Writes what follows on a value that was read before. */
  write(path: string, value: number): void {
    writeFileSync(this.fileOf(path), String(value));
    this.acknowledged.set(path, (this.acknowledged.get(path) ?? 0) + 1);
  }

  /** Increments that were acknowledged, and those of them that somebody else has written over. */
  tally(): { readonly acknowledged: number; readonly lost: string[] } {
    const lost: string[] = [];
    let acknowledged = 0;
    for (const [path, count] of this.acknowledged) {
      acknowledged += count;
      if (this.read(path) !== count) lost.push(`${path} says ${this.read(path)} after ${count} increments`);
    }
    return { acknowledged, lost };
  }

  private fileOf(path: string): string {
    return join(this.folder, encodeURIComponent(path));
  }
}
