import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../cli-error.ts";
import { ensureWritable, readJsonFile, writePrivateFile } from "../files/private-file.ts";
import { stateFolder } from "../files/user-folders.ts";

/** What a session holds, as its pick answered. */
export interface HeldFeature {
  readonly slug: string;
  /** A decimal number. Kept from the pick and never fetched again: that would make the fence meaningless. */
  readonly fencingToken: string;
}

/** What is kept of a session, in a file of its own. */
export interface StoredSession {
  readonly server: string;
  readonly projectId: string;
  readonly sessionId: string;
  readonly held?: HeldFeature | undefined;
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

  /** The session as it was saved; undefined when it was not, or for another project. */
  read(sessionId: string, projectId: string): StoredSession | undefined {
    const stored = readStored(this.#sessionPath(sessionId));
    if (stored["projectId"] !== projectId || stored["sessionId"] !== sessionId) return undefined;
    return { server: String(stored["server"]), projectId, sessionId, held: heldIn(stored["held"]) };
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
    for (const kind of ["sessions", "workers"]) {
      const folder = join(this.#folder, kind);
      let names: string[];
      try {
        names = readdirSync(folder);
      } catch {
        continue;
      }
      for (const name of names) {
        const path = join(folder, name);
        const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: now.getTime() };
        if (now.getTime() - mtimeMs > UNUSED_AFTER_MS) rmSync(path, { force: true });
      }
    }
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

function heldIn(stored: unknown): HeldFeature | undefined {
  if (typeof stored !== "object" || stored === null || !("slug" in stored && "fencingToken" in stored))
    return undefined;
  const { slug, fencingToken } = stored;
  return typeof slug === "string" && typeof fencingToken === "string" ? { slug, fencingToken } : undefined;
}
