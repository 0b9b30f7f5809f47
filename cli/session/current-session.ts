import { hostname } from "node:os";
import { NexusError } from "@nexus/client";
import { ResourceInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { SessionExpiredSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import type { Session } from "@nexus/gen/nexus/v1/session_pb";
import { CliError } from "../cli-error.ts";
import type { NexusContext } from "../context.ts";
import { type KeeperPlace, keeperPlace } from "../keeper/keeper-record.ts";
import { ensureKeeper } from "../keeper/start-keeper.ts";
import type { Workspace } from "../workspace.ts";
import { type ProcessTable, systemProcessTable } from "./process-table.ts";
import { findSessionIdentity, type SessionIdentity } from "./session-identity.ts";
import {
  type HeldFeature,
  type KeeperWord,
  type Keeping,
  SESSION_ID,
  SessionStore,
  type StoredSession,
  type WorkerKey,
} from "./session-store.ts";

/** The session that a command acts for: named by the caller, or the worker's own. */
export class CurrentSession {
  readonly #context: NexusContext;
  readonly #workspace: Workspace;
  readonly #named: { readonly id: string; readonly by: string } | undefined;
  readonly #tell: (word: KeeperWord) => void;
  readonly #store: SessionStore;
  readonly #processes: ProcessTable;
  #identity: SessionIdentity | undefined;
  /** As far as it was needed yet. */
  #projectId: string | undefined;

  /**
   * @param option a session id given on the command line
   * @param tell is called with what the keeper has to say of the session, once for each word
   * @throws CliError when the id that was given is none
   */
  constructor(
    context: NexusContext,
    workspace: Workspace,
    option: string | undefined,
    tell: (word: KeeperWord) => void = () => {},
  ) {
    this.#context = context;
    this.#workspace = workspace;
    this.#tell = tell;
    this.#store = new SessionStore(context.env);
    this.#processes = systemProcessTable(context.platform);
    this.#named = namedSession(option, context.env["NEXUS_SESSION"]);
  }

  /** How the session was found, for people: `--session`, `NEXUS_SESSION`, a variable of the agent, or the terminal. */
  get foundBy(): string {
    return this.#named?.by ?? this.identity.foundBy;
  }

  /** Who is at work here, whatever session is named. */
  get identity(): SessionIdentity {
    this.#identity ??= findSessionIdentity({
      env: this.#context.env,
      host: hostname(),
      pid: process.pid,
      parentPid: process.ppid,
      processes: this.#processes,
      now: this.#context.now(),
    });
    return this.#identity;
  }

  /**
   * The session's id as far as it is known without asking: named, or opened from here before. What the keeper has to
   * tell of it is told now.
   */
  async knownId(): Promise<string | undefined> {
    const id = await this.findId();
    const stored = id === undefined ? undefined : this.#store.read(id, await this.#project());
    if (stored?.word !== undefined) {
      const { word, ...rest } = stored;
      this.#store.save(rest, this.#context.now());
      this.#tell(word);
    }
    return id;
  }

  /** The same, and changes nothing: what the keeper has to tell stays untold. */
  async findId(): Promise<string | undefined> {
    const first = this.#named?.id ?? this.#store.currentOf(await this.#worker());
    if (first === undefined) return undefined;
    const projectId = await this.#project();
    let id = first;
    let successor = this.#store.read(id, projectId)?.successor;
    // Each is younger than the one before, so there is an end.
    while (successor !== undefined) {
      id = successor;
      successor = this.#store.read(id, projectId)?.successor;
    }
    return id;
  }

  /** What is known of the session on this machine; undefined where nothing is. */
  async stored(): Promise<StoredSession | undefined> {
    const id = await this.knownId();
    return id === undefined ? undefined : this.#store.read(id, await this.#project());
  }

  /** What the session holds, as its pick here answered. */
  async held(): Promise<HeldFeature | undefined> {
    return (await this.stored())?.held;
  }

  /**
   * Fails where keeping what a pick answers would, and notes that one is about to be sent: if its answer gets lost, the
   * keeper finds out whether it was granted.
   *
   * @throws CliError FILE_UNUSABLE
   */
  ensureKeepable(sessionId: string): void {
    const stored = this.#store.read(sessionId);
    const { server, projectId } = stored ?? { server: this.#workspace.server.url, projectId: this.#projectId };
    if (projectId === undefined) this.#store.ensureSavable(sessionId);
    else this.#store.save({ ...stored, server, projectId, sessionId, picking: true }, this.#context.now());
  }

  /**
   * Keeps what a pick answered, or with undefined that nothing is held any more. What is held is renewed from now on,
   * without the help of commands.
   */
  async keep(sessionId: string, held: HeldFeature | undefined): Promise<void> {
    const session = { server: this.#workspace.server.url, projectId: await this.#project(), sessionId };
    const keeping = held === undefined ? undefined : await this.#keeping(sessionId);
    this.#store.save({ ...session, held, keeping }, this.#context.now());
    if (keeping !== undefined) this.#startKeeper();
  }

  /**
   * Makes a call for the session, which is opened first where the worker has none yet.
   *
   * A session of the worker's own that lapsed while it held nothing is replaced by a new one without a word. In every
   * other case its end is told: the caller has to know that it lost something.
   *
   * @throws what the call throws
   */
  async use<Answer>(call: (sessionId: string) => Promise<Answer>): Promise<Answer> {
    const known = await this.knownId();
    if (known === undefined) return this.#attempt((await this.open()).id, call);
    await this.#refresh(known);
    const kept = await this.held();
    try {
      return await this.useOpen(known, (sessionId) => this.#attempt(sessionId, call));
    } catch (error) {
      const lost = isGone(error) && (error.detail(SessionExpiredSchema)?.lostFeatureSlug || kept?.slug);
      if (!isGone(error) || this.#named !== undefined || lost) throw error;
      return this.#attempt((await this.open()).id, call);
    }
  }

  /** Makes a call for a session that is open, and drops what is kept of it when it turns out to have ended. */
  async useOpen<Answer>(sessionId: string, call: (sessionId: string) => Promise<Answer>): Promise<Answer> {
    try {
      return await call(sessionId);
    } catch (error) {
      if (isGone(error)) await this.forget(sessionId);
      throw error;
    }
  }

  /** Makes a call that can do without a session (an empty id), and does so when the worker's own has ended. */
  async useOrDrop<Answer>(call: (sessionId: string) => Promise<Answer>): Promise<Answer> {
    const known = await this.knownId();
    if (known === undefined) return call("");
    await this.#refresh(known);
    try {
      return await call(known);
    } catch (error) {
      if (!isGone(error) || this.#named !== undefined) throw error;
      return call("");
    }
  }

  /** Opens the worker's own session, or answers the one that is open, and remembers it. */
  async open(): Promise<Session> {
    const { session } = await this.#workspace.client.sessions.openSession({
      projectId: await this.#project(),
      clientSessionId: this.identity.clientSessionId,
      agent: this.identity.agent,
      ...this.surroundings(),
    });
    if (session === undefined) throw new Error("the server answered no session");
    this.#store.setCurrent(await this.#worker(), session.id);
    return session;
  }

  /** Where the worker works: what OpenSession is told. */
  surroundings(): { readonly host: string; readonly worktree: string; readonly branch: string } {
    const { checkout, cwd } = this.#workspace;
    return { host: hostname(), worktree: checkout?.root ?? cwd, branch: checkout?.branch ?? "" };
  }

  /** Drops what is kept of a session that has ended. */
  async forget(sessionId: string): Promise<void> {
    this.#store.remove(sessionId);
    const worker = await this.#worker();
    if (this.#store.currentOf(worker) === sessionId) this.#store.removeCurrent(worker);
  }

  /**
   * The same after closing a session; what is kept of another worker's stays, so that its next command is told that
   * the session has ended.
   */
  async forgetOwn(sessionId: string): Promise<void> {
    if (this.#store.currentOf(await this.#worker()) === sessionId) await this.forget(sessionId);
  }

  /** The keeper that renews this worker's sessions. */
  get keeperPlace(): KeeperPlace {
    return keeperPlace(this.#context.env, this.#workspace.server.url, this.#processes);
  }

  /** Makes a call; a pick whose answer does not arrive is left to the keeper. */
  async #attempt<Answer>(sessionId: string, call: (sessionId: string) => Promise<Answer>): Promise<Answer> {
    try {
      return await call(sessionId);
    } catch (error) {
      const stored = this.#store.read(sessionId);
      if (isUnanswered(error) && stored?.picking) {
        const keeping = await this.#keeping(sessionId);
        this.#store.save({ ...stored, keeping }, this.#context.now());
        if (keeping !== undefined) this.#startKeeper();
      }
      throw error;
    }
  }

  /** Notes that a command acts for a session that holds something, and that it is kept, by a keeper that runs. */
  async #refresh(sessionId: string): Promise<void> {
    const stored = this.#store.read(sessionId, await this.#project());
    if (stored?.held === undefined || stored.lost) return;
    const keeping = await this.#keeping(sessionId);
    if (keeping === undefined) return;
    this.#store.save({ ...stored, keeping }, this.#context.now());
    this.#startKeeper();
  }

  /**
   * Who keeps the session from now on. Undefined for one that is named with --session and is not the worker's own:
   * whoever opened it keeps it, and nobody here knows whose process it depends on.
   */
  async #keeping(sessionId: string): Promise<Keeping | undefined> {
    if (this.#context.env["NEXUS_KEEPER"] === "off") return undefined;
    const isForeign = this.#named?.by === "--session" && this.#store.currentOf(await this.#worker()) !== sessionId;
    if (isForeign) return undefined;
    const { process, isBare } = this.identity;
    // What stands for a terminal may be there for this command only; a session of that name is used from others, too.
    const watched = this.#named !== undefined && isBare ? undefined : process;
    const lastCommandTime = this.#context.now().toISOString();
    return { keeper: this.keeperPlace.id, process: watched, lastCommandTime };
  }

  #startKeeper(): void {
    const { env, programFolder } = this.#context;
    try {
      ensureKeeper(this.keeperPlace, env, programFolder, this.#processes);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      this.#tell({ kind: "not-kept", why: error.message });
    }
  }

  async #project(): Promise<string> {
    this.#projectId = await this.#workspace.projectId();
    return this.#projectId;
  }

  async #worker(): Promise<WorkerKey> {
    return {
      server: this.#workspace.server.url,
      projectId: await this.#project(),
      clientSessionId: this.identity.clientSessionId,
    };
  }
}

function namedSession(option: string | undefined, variable: string | undefined) {
  const named = option !== undefined ? { id: option, by: "--session" } : { id: variable ?? "", by: "NEXUS_SESSION" };
  if (option === undefined && !variable) return undefined;
  if (!SESSION_ID.test(named.id)) {
    throw new CliError(
      "USAGE_INVALID",
      `${named.by} is a session's id (a UUID, as 'nexus session open' answers), not ${JSON.stringify(named.id)}`,
    );
  }
  return { ...named, id: named.id.toLowerCase() };
}

/** Whether the call may have succeeded all the same. */
function isUnanswered(error: unknown): boolean {
  if (!(error instanceof NexusError)) return false;
  return error.reason === "SERVER_UNREACHABLE" || error.reason === "DEADLINE_EXCEEDED";
}

function isGone(error: unknown): error is NexusError {
  if (!(error instanceof NexusError)) return false;
  if (error.reason === "SESSION_EXPIRED") return true;
  return error.reason === "RESOURCE_NOT_FOUND" && error.detail(ResourceInfoSchema)?.resourceType === "session";
}
