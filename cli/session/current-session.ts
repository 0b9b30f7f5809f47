import { hostname } from "node:os";
import { NexusError } from "@nexus/client";
import { ResourceInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { SessionExpiredSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import type { Session } from "@nexus/gen/nexus/v1/session_pb";
import { CliError } from "../cli-error.ts";
import type { NexusContext } from "../context.ts";
import type { Workspace } from "../workspace.ts";
import { systemProcessTable } from "./process-table.ts";
import { findSessionIdentity, type SessionIdentity } from "./session-identity.ts";
import { type HeldFeature, SESSION_ID, SessionStore, type WorkerKey } from "./session-store.ts";

/** The session that a command acts for: named by the caller, or the worker's own. */
export class CurrentSession {
  readonly #context: NexusContext;
  readonly #workspace: Workspace;
  readonly #named: { readonly id: string; readonly by: string } | undefined;
  readonly #store: SessionStore;
  #identity: SessionIdentity | undefined;

  /**
   * `option` is a session id given on the command line.
   *
   * @throws CliError when the id that was given is none
   */
  constructor(context: NexusContext, workspace: Workspace, option: string | undefined) {
    this.#context = context;
    this.#workspace = workspace;
    this.#store = new SessionStore(context.env);
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
      processes: systemProcessTable(this.#context.platform),
      now: this.#context.now(),
    });
    return this.#identity;
  }

  /** The session's id as far as it is known without asking: named, or opened from here before. */
  async knownId(): Promise<string | undefined> {
    return this.#named?.id ?? this.#store.currentOf(await this.#worker());
  }

  /** What the session holds, as its pick here answered. */
  async held(): Promise<HeldFeature | undefined> {
    const id = await this.knownId();
    return id === undefined ? undefined : this.#store.read(id, await this.#workspace.projectId())?.held;
  }

  /**
   * Fails where keeping what a pick answers would.
   *
   * @throws CliError FILE_UNUSABLE
   */
  ensureKeepable(sessionId: string): void {
    this.#store.ensureSavable(sessionId);
  }

  /** Keeps what a pick answered, or with undefined that nothing is held any more. */
  async keep(sessionId: string, held: HeldFeature | undefined): Promise<void> {
    const projectId = await this.#workspace.projectId();
    const session = { server: this.#workspace.server.url, projectId, sessionId, held };
    this.#store.save(session, this.#context.now());
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
    if (known === undefined) return call((await this.open()).id);
    const kept = await this.held();
    try {
      return await this.useOpen(known, call);
    } catch (error) {
      const lost = isGone(error) && (error.detail(SessionExpiredSchema)?.lostFeatureSlug || kept?.slug);
      if (!isGone(error) || this.#named !== undefined || lost) throw error;
      return call((await this.open()).id);
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
      projectId: await this.#workspace.projectId(),
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

  async #worker(): Promise<WorkerKey> {
    return {
      server: this.#workspace.server.url,
      projectId: await this.#workspace.projectId(),
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

function isGone(error: unknown): error is NexusError {
  if (!(error instanceof NexusError)) return false;
  if (error.reason === "SESSION_EXPIRED") return true;
  return error.reason === "RESOURCE_NOT_FOUND" && error.detail(ResourceInfoSchema)?.resourceType === "session";
}
