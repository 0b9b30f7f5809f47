import { createHash, randomUUID } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { readJsonFile, writePrivateFile } from "../files/private-file.ts";
import { stateFolder } from "../files/user-folders.ts";
import type { ProcessTable } from "../session/process-table.ts";
import { isRunning, type WorkerProcess } from "../session/worker-process.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Which keeper a session belongs to: one for each user, machine, server and key. */
export interface KeeperPlace {
  /** Names its files. */
  readonly id: string;
  readonly server: string;
}

/** What a keeper says of itself in `keepers/<id>.json`. Who is named there is the keeper; whoever else runs, ends. */
export interface KeeperRecord extends KeeperPlace {
  readonly process: WorkerProcess;
  /** The version of the command line that started it. */
  readonly version: string;
  /** Tells two records apart, whatever they say. */
  readonly nonce: string;
  /** ISO 8601. */
  readonly startTime: string;
}

/**
 * The keeper that sessions with this server belong to. Who has a key in NEXUS_API_KEY is another engineer perhaps, so
 * has another keeper than who logged in.
 */
export function keeperPlace(env: Environment, server: string, { machine }: ProcessTable): KeeperPlace {
  const key = env["NEXUS_API_KEY"] || "";
  const digest = createHash("sha256").update([server, hostname(), machine, key].join("\n")).digest("hex");
  return { id: digest.slice(0, 32), server };
}

/** The files of keepers. */
export class KeeperRecords {
  readonly #folder: string;

  constructor(env: Environment) {
    this.#folder = join(stateFolder(env), "keepers");
  }

  /** Where the keeper of that id writes what happens. */
  logPath(id: string): string {
    return join(this.#folder, `${id}.log`);
  }

  /** Undefined where there is none, or none that can be read. */
  read(id: string): KeeperRecord | undefined {
    try {
      const stored = readJsonFile(this.#path(id)) as KeeperRecord | undefined;
      return typeof stored?.nonce === "string" && typeof stored.process?.pid === "number" ? stored : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Says that this process is the keeper, whoever was.
   *
   * @throws CliError FILE_UNUSABLE
   */
  claim(place: KeeperPlace, process: WorkerProcess, version: string, now: Date): KeeperRecord {
    const record = { ...place, process, version, nonce: randomUUID(), startTime: now.toISOString() };
    writePrivateFile(this.#path(place.id), `${JSON.stringify(record, null, 2)}\n`);
    return record;
  }

  isCurrent({ id, nonce }: KeeperRecord): boolean {
    return this.read(id)?.nonce === nonce;
  }

  /** Takes the record away, unless another one stands there. */
  release(record: KeeperRecord): void {
    if (this.isCurrent(record)) rmSync(this.#path(record.id), { force: true });
  }

  /** Every keeper that said it was there. */
  list(): readonly KeeperRecord[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return [];
    }
    return names.flatMap((name) => {
      const record = name.endsWith(".json") ? this.read(name.slice(0, -".json".length)) : undefined;
      return record === undefined ? [] : [record];
    });
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}

/** Whether the keeper runs, and is no older than this version. */
export function isServing(record: KeeperRecord | undefined, version: string, processes: ProcessTable): boolean {
  return record !== undefined && isRunning(record.process, processes) && !isOlder(record.version, version);
}

/** Compares `1.2.3` number by number; a pre-release is older than its release. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => {
    const [numbers = "", pre] = text.split("-", 2);
    return [...numbers.split(".").map(Number), pre === undefined ? 1 : 0];
  }) as [number[], number[]];
  const at = a.findIndex((number, index) => number !== b[index]);
  return at !== -1 && (a[at] ?? 0) < (b[at] ?? 0);
}
