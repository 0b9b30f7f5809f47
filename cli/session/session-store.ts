import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../cli-error.ts";
import { ensureWritable, readJsonFile, writePrivateFile } from "../files/private-file.ts";
import { stateFolder } from "../files/user-folders.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** What a session holds, as its pick answered. */
export interface HeldFeature {
  readonly slug: string;
  /** A decimal number. Kept from the pick and never fetched again: that would make the fence meaningless. */
  readonly fencingToken: string;
}

/** How a session is kept alive between commands. */
export interface Keeping {
  /** The id of the keeper that renews its lease. */
  readonly keeper: string;
  /** What the keeper watches; absent where no process could be told. */
  readonly process?: WorkerProcess | undefined;
  /** When a command last acted for the session. */
  readonly lastCommandTime: string;
}

/** What the keeper has to tell the next command of the session, once. Times are ISO 8601. */
export type KeeperWord =
  /** The lease ran out, and the feature was picked again, under a new token. */
  | { readonly kind: "taken-up"; readonly slug: string; readonly lostTime: string; readonly takenTime: string }
  /** A pick whose answer got lost had been granted. */
  | { readonly kind: "adopted"; readonly slug: string }
  /** Nothing renews the session. Told at once, never kept in a file. */
  | { readonly kind: "not-kept"; readonly why: string }
  /** The feature is not held any more; `why` completes "because". */
  | { readonly kind: "lost"; readonly slug: string; readonly lostTime: string; readonly why: string };

/** What is kept of a session, in a file of its own. */
export interface StoredSession {
  readonly server: string;
  readonly projectId: string;
  readonly sessionId: string;
  readonly held?: HeldFeature | undefined;
  readonly keeping?: Keeping | undefined;
  /** A pick was sent, and its answer has not been kept. */
  readonly picking?: boolean | undefined;
  /** What is held is known to be lost; it stays, so that the next command is refused for it. */
  readonly lost?: boolean | undefined;
  readonly word?: KeeperWord | undefined;
  /** The session that took this one's place when its lease had run out. */
  readonly successor?: string | undefined;
}

/** Which session a worker uses in a project. */
export interface WorkerKey {
  readonly server: string;
  readonly projectId: string;
  readonly clientSessionId: string;
}

/** A session's id as the server makes it, in either case. */
export const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const UNUSED_AFTER_MS = 30 * 24 * 3_600_000;

/**
 * `$XDG_STATE_HOME/nexus`: `sessions/<session id>.json` for each session, and `workers/<hash>.json` for which session a
 * worker used last. Files unused for 30 days are removed.
 */
export class SessionStore {
  readonly #folder: string;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#folder = stateFolder(env);
  }

  /** The session as it was saved; undefined when it was not, or for another project than the one named. */
  read(sessionId: string, inProject?: string): StoredSession | undefined {
    const stored = readStored(this.#sessionPath(sessionId));
    const { projectId, successor } = stored;
    if (stored["sessionId"] !== sessionId || typeof projectId !== "string") return undefined;
    if (inProject !== undefined && projectId !== inProject) return undefined;
    return {
      server: String(stored["server"]),
      projectId,
      sessionId,
      held: heldIn(stored["held"]),
      keeping: objectWith("keeper", stored["keeping"]) as Keeping | undefined,
      picking: stored["picking"] === true || undefined,
      lost: stored["lost"] === true || undefined,
      word: objectWith("kind", stored["word"]) as KeeperWord | undefined,
      successor: typeof successor === "string" && SESSION_ID.test(successor) ? successor : undefined,
    };
  }

  /** Every session that was saved, each with its revision. */
  list(): readonly { readonly sessionId: string; readonly revision: string }[] {
    return namesIn(join(this.#folder, "sessions")).flatMap((name) => {
      const sessionId = name.slice(0, -".json".length);
      const revision = SESSION_ID.test(sessionId) ? this.revisionOf(sessionId) : undefined;
      return revision === undefined ? [] : [{ sessionId, revision }];
    });
  }

  /** A text that changes whenever the session's file is written; undefined where there is none. */
  revisionOf(sessionId: string): string | undefined {
    const stat = statSync(this.#sessionPath(sessionId), { throwIfNoEntry: false });
    return stat && `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
  }

  /**
   * Fails where saving the session would, and changes nothing: before a pick, whose token must not get lost.
   *
   * @throws CliError FILE_UNUSABLE
   */
  ensureSavable(sessionId: string): void {
    ensureWritable(this.#sessionPath(sessionId));
  }

  save(session: StoredSession, now: Date): void {
    this.#removeUnused(now);
    writePrivateFile(this.#sessionPath(session.sessionId), `${JSON.stringify(session, null, 2)}\n`);
  }

  /** Forgets a session that has ended. */
  remove(sessionId: string): void {
    rmSync(this.#sessionPath(sessionId), { force: true });
  }

  /** The session that the worker used last in that project. */
  currentOf(worker: WorkerKey): string | undefined {
    const { sessionId } = readStored(this.#workerPath(worker));
    return typeof sessionId === "string" && SESSION_ID.test(sessionId) ? sessionId : undefined;
  }

  setCurrent(worker: WorkerKey, sessionId: string): void {
    writePrivateFile(this.#workerPath(worker), `${JSON.stringify({ ...worker, sessionId }, null, 2)}\n`);
  }

  removeCurrent(worker: WorkerKey): void {
    rmSync(this.#workerPath(worker), { force: true });
  }

  #sessionPath(sessionId: string): string {
    return join(this.#folder, "sessions", `${sessionId}.json`);
  }

  #workerPath({ server, projectId, clientSessionId }: WorkerKey): string {
    const key = createHash("sha256").update([server, projectId, clientSessionId].join("\n")).digest("hex");
    return join(this.#folder, "workers", `${key.slice(0, 32)}.json`);
  }

  #removeUnused(now: Date): void {
    for (const kind of ["sessions", "workers", "keepers"]) {
      const folder = join(this.#folder, kind);
      for (const name of namesIn(folder)) {
        const path = join(folder, name);
        const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: now.getTime() };
        if (now.getTime() - mtimeMs > UNUSED_AFTER_MS) rmSync(path, { force: true });
      }
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * What a file of the store says; a damaged one says nothing. Opening the session again answers the same one, and picking
 * again the same token, which writes the file anew.
 */
function readStored(path: string): Readonly<Record<string, unknown>> {
  try {
    const stored = readJsonFile(path);
    return typeof stored === "object" && stored !== null ? { ...stored } : {};
  } catch (error) {
    if (error instanceof CliError && error.cause instanceof SyntaxError) return {};
    throw error;
  }
}

/** An object whose field of that name is a text. */
function objectWith(field: string, stored: unknown): object | undefined {
  if (typeof stored !== "object" || stored === null) return undefined;
  return typeof (stored as Readonly<Record<string, unknown>>)[field] === "string" ? stored : undefined;
}

function heldIn(stored: unknown): HeldFeature | undefined {
  if (typeof stored !== "object" || stored === null || !("slug" in stored && "fencingToken" in stored))
    return undefined;
  const { slug, fencingToken } = stored;
  const isToken = typeof fencingToken === "string" && /^\d{1,20}$/.test(fencingToken);
  return typeof slug === "string" && isToken ? { slug, fencingToken } : undefined;
}
