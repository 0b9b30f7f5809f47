import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type NexusClient, NexusError, type SendHeartbeat, SessionLease, unansweredClaim } from "@nexus/client";
import { SessionState } from "@nexus/gen/nexus/v1/session_pb";
import type { ProcessTable } from "../session/process-table.ts";
import type { KeeperWord, SessionStore, StoredSession } from "../session/session-store.ts";
import { isRunning } from "../session/worker-process.ts";
import { takeUpAgain } from "./take-up-again.ts";

/** How long a session whose process can't be seen is renewed after its last command. */
export const UNSEEN_MS = 30 * 60_000;
/** How long a keeper goes on trying to close the session of a process that has ended; its lease is long over then. */
const GIVE_UP_CLOSING_MS = 10 * 60_000;
/** How long a pick may be without an answer before the keeper looks whether it was granted. Commands wait for 10 s. */
const PICK_MS = 15_000;
/** After a failure that is the server's, or the network's, heartbeats wait so long. */
const PAUSE_MS = 5_000;
/** Calls at once, so that a hundred sessions after a night are no storm. */
const MAX_CALLS = 8;

/** The world of a keeper. */
export interface KeeperWorld {
  readonly store: SessionStore;
  /** The keeper's id: sessions that name another one are left alone. */
  readonly id: string;
  /** Looks at the processes as they are now. */
  readonly processes: () => ProcessTable;
  /** A client with the key that is kept now. */
  readonly client: () => NexusClient;
  readonly now: () => Date;
  readonly log: (text: string) => void;
}

interface Kept {
  stored: StoredSession;
  revision: string;
  readonly lease: SessionLease;
  busy: boolean;
  /** When the process was first found to have ended. */
  endedMs: number | undefined;
  /** A heartbeat answered that the claim is lost. Believed the second time: a command may be about to say so itself. */
  suspected: boolean;
  /** The lease is over; since then it is tried to take the feature up again. */
  expired: { readonly lostTime: Date } | undefined;
}

/**
 * Renews the leases of sessions that hold a feature, for as long as their agents' processes run; closes a session as
 * crashed when its process has ended; and takes a feature up again whose lease ran out while the machine slept.
 */
export class Keeper {
  readonly #world: KeeperWorld;
  readonly #kept = new Map<string, Kept>();
  /** The revision at which each file was last read. */
  readonly #seen = new Map<string, string>();
  #calls = 0;
  #pausedUntilMs = 0;
  #lastFailure = "";

  constructor(world: KeeperWorld) {
    this.#world = world;
  }

  /** How many sessions are kept. */
  get size(): number {
    return this.#kept.size;
  }

  /** Looks at every session once, and starts what is to be done; answers before that is done. */
  tick(): void {
    this.#readSessions();
    const processes = this.#world.processes();
    for (const kept of this.#kept.values()) {
      if (!kept.busy) this.#attend(kept, processes);
    }
  }

  #readSessions(): void {
    const { store, id } = this.#world;
    const listed = new Map(store.list().map(({ sessionId, revision }) => [sessionId, revision]));
    for (const [sessionId, kept] of this.#kept) {
      if (!listed.has(sessionId) && !kept.busy) this.#drop(kept, "was closed");
    }
    for (const [sessionId, revision] of listed) {
      const kept = this.#kept.get(sessionId);
      if (this.#seen.get(sessionId) === revision || kept?.busy) continue;
      this.#seen.set(sessionId, revision);
      const stored = store.read(sessionId);
      const isOurs = stored?.keeping?.keeper === id && (stored.held !== undefined || stored.picking) && !stored.lost;
      if (stored === undefined || !isOurs) {
        if (kept !== undefined) this.#drop(kept, "holds nothing any more");
      } else if (kept !== undefined) {
        Object.assign(kept, { stored, revision, suspected: false });
      } else {
        this.#add(stored, revision);
      }
    }
    for (const sessionId of this.#seen.keys()) if (!listed.has(sessionId)) this.#seen.delete(sessionId);
  }

  #add(stored: StoredSession, revision: string): void {
    const { projectId, sessionId, held, keeping } = stored;
    const send: SendHeartbeat = (...call) => this.#world.client().sessions.heartbeatSession(...call);
    const lease = new SessionLease(send, { projectId, sessionId });
    this.#kept.set(sessionId, {
      stored,
      revision,
      lease,
      busy: false,
      endedMs: undefined,
      suspected: false,
      expired: undefined,
    });
    const watched = keeping?.process === undefined ? "no process can be seen" : `process ${keeping.process.pid}`;
    this.#world.log(
      `keeps session ${sessionId}, which holds ${held?.slug ?? "nothing that was answered"} (${watched})`,
    );
  }

  #drop({ stored }: Kept, why: string): void {
    this.#kept.delete(stored.sessionId);
    this.#world.log(`lets go of session ${stored.sessionId}: it ${why}`);
  }

  #attend(kept: Kept, processes: ProcessTable): void {
    const { now } = this.#world;
    const { keeping } = kept.stored;
    const nowMs = now().getTime();
    if (keeping?.process !== undefined && !isRunning(keeping.process, processes)) {
      kept.endedMs ??= nowMs;
      void this.#do(kept, () => this.#closeCrashed(kept));
      return;
    }
    if (this.#calls >= MAX_CALLS || nowMs < this.#pausedUntilMs) return;
    if (kept.expired !== undefined) {
      const { lostTime } = kept.expired;
      void this.#do(kept, () => this.#takeUp(kept, lostTime));
      return;
    }
    if (!kept.lease.isDue) return;
    const lastCommandMs = Date.parse(keeping?.lastCommandTime ?? "") || 0;
    if (keeping?.process === undefined && nowMs - lastCommandMs > UNSEEN_MS) {
      this.#letGo(kept);
      return;
    }
    // A command may still be waiting for the answer.
    if (kept.stored.held === undefined && nowMs - lastCommandMs < PICK_MS) return;
    void this.#do(kept, () => this.#renew(kept));
  }

  async #do(kept: Kept, work: () => Promise<void>): Promise<void> {
    kept.busy = true;
    this.#calls++;
    try {
      await work().catch((error: unknown) => {
        if (!(error instanceof NexusError) || error.reason !== "RESOURCE_NOT_FOUND") throw error;
        this.#lose(kept, "its session is not there any more, or not yours");
      });
      if (this.#lastFailure !== "") this.#world.log("the server answers again");
      this.#lastFailure = "";
      this.#pausedUntilMs = 0;
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#calls--;
      kept.busy = false;
    }
  }

  #failed(error: unknown): void {
    const { log, now } = this.#world;
    this.#pausedUntilMs = now().getTime() + PAUSE_MS;
    const told = error instanceof Error ? error.message : String(error);
    if (told !== this.#lastFailure) log(told);
    this.#lastFailure = told;
  }

  async #renew(kept: Kept): Promise<void> {
    const { store, now } = this.#world;
    const { sessionId, projectId, held } = kept.stored;
    const token = held === undefined ? undefined : BigInt(held.fencingToken);
    try {
      const { claims, lost } = await kept.lease.renew(token === undefined ? [] : [token]);
      if (!this.#isUnchanged(kept)) return;
      if (held === undefined) {
        const claim = unansweredClaim(claims, undefined);
        const { picking: _, ...stored } = kept.stored;
        if (claim === undefined) {
          store.save(stored, now());
          return;
        }
        const adopted = { slug: claim.featureSlug, fencingToken: String(claim.fencingToken) };
        const word: KeeperWord = { kind: "adopted", slug: claim.featureSlug };
        store.save({ ...stored, held: adopted, word }, now());
        this.#world.log(`session ${sessionId} had picked ${claim.featureSlug} without an answer`);
        return;
      }
      const ended = lost.find(({ fencingToken }) => fencingToken === token);
      if (ended !== undefined && kept.suspected) {
        this.#lose(kept, "it was taken over, or taken away, at the server");
      } else if (ended !== undefined) {
        kept.suspected = true;
        kept.lease.hurry();
      }
    } catch (error) {
      if (!(error instanceof NexusError) || error.reason !== "SESSION_EXPIRED") throw error;
      const { session } = await this.#world.client().sessions.getSession({ projectId, sessionId });
      if (!this.#isUnchanged(kept)) return;
      if (session?.state !== SessionState.EXPIRED || held === undefined) {
        this.#lose(kept, "its session was closed");
        return;
      }
      const lostTime = session.expireTime === undefined ? now() : timestampDate(session.expireTime);
      this.#world.log(`the lease of session ${sessionId} ran out at ${lostTime.toISOString()}`);
      kept.expired = { lostTime };
    }
  }

  async #takeUp(kept: Kept, lostTime: Date): Promise<void> {
    const { store, client, now, id } = this.#world;
    if (!this.#isUnchanged(kept)) {
      this.#drop(kept, "was given up by its own command");
      return;
    }
    const { stored } = kept;
    const outcome = await takeUpAgain(client(), stored);
    if (outcome.kind === "not-yet") return;
    if (!this.#isUnchanged(kept)) {
      // Its own command was faster: what was picked here is the same session's, and is found by it.
      this.#drop(kept, "was given up by its own command");
      return;
    }
    if (outcome.kind === "lost") {
      this.#lose(kept, outcome.why, lostTime);
      return;
    }
    const { session, held } = outcome;
    const { server, projectId, keeping } = stored;
    const [lost, taken] = [lostTime.toISOString(), now().toISOString()];
    const word: KeeperWord = { kind: "taken-up", slug: held.slug, lostTime: lost, takenTime: taken };
    const successor: StoredSession = {
      server,
      projectId,
      sessionId: session.id,
      held,
      keeping: { ...(keeping ?? { lastCommandTime: taken }), keeper: id },
      word,
    };
    store.save(successor, now());
    const worker = { server, projectId, clientSessionId: session.clientSessionId };
    if (store.currentOf(worker) === stored.sessionId) store.setCurrent(worker, session.id);
    store.save({ server, projectId, sessionId: stored.sessionId, successor: session.id }, now());
    this.#drop(kept, `took up ${held.slug} again as session ${session.id}`);
  }

  async #closeCrashed(kept: Kept): Promise<void> {
    const { client, now, log } = this.#world;
    const { projectId, sessionId, held, keeping } = kept.stored;
    if (now().getTime() - (kept.endedMs ?? 0) > GIVE_UP_CLOSING_MS) {
      this.#drop(kept, "could not be closed");
      return;
    }
    await client().sessions.closeSession({ projectId, sessionId, crashed: true });
    log(
      `process ${keeping?.process?.pid} has ended; session ${sessionId} is closed, ${held?.slug ?? "nothing"} is free`,
    );
    if (this.#isUnchanged(kept)) this.#lose(kept, `its process ${keeping?.process?.pid} ended`);
    else this.#kept.delete(sessionId);
  }

  /** Stops renewing; the next command of the session has it kept again, if the lease has not run out by then. */
  #letGo(kept: Kept): void {
    const { keeping: _, picking: __, ...stored } = kept.stored;
    if (this.#isUnchanged(kept)) this.#world.store.save(stored, this.#world.now());
    this.#drop(kept, "had no command for half an hour, and no process of it can be seen");
  }

  /** Lets go, and leaves word for the next command of the session. */
  #lose(kept: Kept, why: string, lostTime = this.#world.now()): void {
    const { keeping: _, picking: __, ...stored } = kept.stored;
    const { slug } = stored.held ?? {};
    const word: KeeperWord | undefined =
      slug === undefined ? undefined : { kind: "lost", slug, lostTime: lostTime.toISOString(), why };
    if (this.#isUnchanged(kept)) this.#world.store.save({ ...stored, lost: true, word }, this.#world.now());
    this.#drop(kept, `lost ${slug ?? "nothing"}: ${why}`);
  }

  /** Whether no command has written the session's file since it was read. */
  #isUnchanged({ stored: { sessionId }, revision }: Kept): boolean {
    return this.#world.store.revisionOf(sessionId) === revision;
  }
}
