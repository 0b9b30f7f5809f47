import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { type Claim, ClaimState } from "@nexus/gen/nexus/v1/claim_pb";
import type { HeartbeatSessionResponse, SessionService } from "@nexus/gen/nexus/v1/session_service_pb";

/** Where a lease reads the time, in milliseconds. */
export interface LeaseClock {
  /** The time of day, which goes on while the machine sleeps, and may be set back. */
  wall(): number;
  /** A clock that is never set back, but may stand still while the machine sleeps. */
  steady(): number;
}

/** The machine's clocks. */
export const systemLeaseClock: LeaseClock = { wall: () => Date.now(), steady: () => performance.now() };

/** The session whose lease it is. */
export interface LeasedSession {
  readonly projectId: string;
  readonly sessionId: string;
}

/** Sends a heartbeat: `client.sessions.heartbeatSession`, or what finds the client first. */
export type SendHeartbeat = Client<typeof SessionService>["heartbeatSession"];

/** How long after a heartbeat without an answer the next one is due. */
const RETRY_MS = 3_000;

/**
 * One session's lease, for who renews it: says when a heartbeat is due, sends it, and knows until when the lease surely
 * holds. Starts no timer: ask `isDue` as often as is convenient.
 */
export class SessionLease {
  readonly #send: SendHeartbeat;
  readonly #session: LeasedSession;
  readonly #clock: LeaseClock;
  #sent: { readonly wall: number; readonly steady: number } | undefined;
  #dueAfterMs = 0;
  #heldUntilMs: number | undefined;

  constructor(send: SendHeartbeat, session: LeasedSession, clock: LeaseClock = systemLeaseClock) {
    this.#send = send;
    this.#session = session;
    this.#clock = clock;
  }

  /** Whether it is time: a third of the lease has passed since the last heartbeat, by whichever clock says so first. */
  get isDue(): boolean {
    if (this.#sent === undefined) return true;
    const { wall, steady } = this.#clock;
    return Math.max(wall() - this.#sent.wall, steady() - this.#sent.steady) >= this.#dueAfterMs;
  }

  /** Until when the lease holds: counted from when the heartbeat was sent, not from its answer. By the time of day. */
  get heldUntil(): Date | undefined {
    return this.#heldUntilMs === undefined ? undefined : new Date(this.#heldUntilMs);
  }

  /** Makes the next heartbeat due at once. */
  hurry(): void {
    this.#dueAfterMs = 0;
  }

  /**
   * Sends a heartbeat.
   *
   * @param fencingTokens of the claims that the session believes to hold
   * @throws NexusError SESSION_EXPIRED when the session has ended: nothing revives it
   */
  async renew(fencingTokens: readonly bigint[]): Promise<HeartbeatSessionResponse> {
    const sent = { wall: this.#clock.wall(), steady: this.#clock.steady() };
    this.#sent = sent;
    this.#dueAfterMs = RETRY_MS;
    const answer = await this.#send({ ...this.#session, fencingTokens: [...fencingTokens] });
    const { expireTime, lastHeartbeatTime } = answer.session ?? {};
    if (expireTime !== undefined && lastHeartbeatTime !== undefined) {
      const leaseMs = timestampMs(expireTime) - timestampMs(lastHeartbeatTime);
      this.#dueAfterMs = leaseMs / 3;
      this.#heldUntilMs = sent.wall + leaseMs;
    }
    return answer;
  }
}

/**
 * The claim of a pick that was granted without its answer arriving: the session holds it under a token that was never
 * told. To be adopted (its token is the feature's) or released. Undefined where there is none.
 *
 * @param claims as a heartbeat answers them
 * @param known the token of the pick that was answered, if any; the others beside it are extensions
 */
export function unansweredClaim(claims: readonly Claim[], known: bigint | undefined): Claim | undefined {
  const live = claims.filter(({ state }) => state !== ClaimState.DRAINING);
  if (known !== undefined && live.some(({ fencingToken }) => fencingToken === known)) return undefined;
  return live.reduce<Claim | undefined>(
    (first, claim) => (first === undefined || claim.fencingToken < first.fencingToken ? claim : first),
    undefined,
  );
}
