/**
 * The state of the model: both stores, the calls under way, what the clients were told, and what the agents believe. All
 * values are small whole numbers, so that a state packs into a few dozen bytes (pack.ts).
 */

/** No claim, no session, no feature. */
export const NOBODY = 15;

export const Lease = { none: 0, live: 1, lapsed: 2 } as const;
/** A claim in Redis; `drained` is a draining one whose time has passed. */
export const Live = { none: 0, provisional: 1, held: 2, draining: 3, drained: 4 } as const;
/** A claim's row in Postgres. */
export const Row = { none: 0, held: 1, ending: 2, draining: 3, ended: 4, void: 5 } as const;
export const SessionState = { unopened: 0, open: 1, closed: 2, expired: 3 } as const;
export const Status = { ready: 0, active: 1, done: 2 } as const;
/** What an agent does under a claim: `finishing` when it has stopped believing, but a write may still be on its way. */
export const Work = { none: 0, working: 1, finishing: 2 } as const;
/** A request that was recorded with no claim. */
export const DONE = 14;

/** What Redis keeps of the project. */
export interface Redis {
  /** 0 when it knows nothing. */
  epoch: number;
  ready: number;
  /** Another process wrote what is here: a restart, a failover. */
  foreign: number;
  /** The clock has jumped since the last tick of a reconciler. */
  jumped: number;
  counter: number;
  /** By session. */
  leases: number[];
  /** By claim. */
  claims: number[];
  /** What each claim covers, one bit for each path. */
  touches: number[];
}

export interface Feature {
  status: number;
  session: number;
  claim: number;
  /** The last token that held it. */
  token: number;
  interrupted: number;
  /** Raised by every change of its touches. */
  revision: number;
  touches: number;
}

export interface Postgres {
  epoch: number;
  sessions: number[];
  /** By session: 1 while it has ended and Redis is not known to have heard of it. */
  ending: number[];
  features: Feature[];
  /** By claim. */
  rows: number[];
  touches: number[];
  /** By claim: 1 while Redis is not known to have given up what the row gave up. */
  shrunk: number[];
  /** By client and request: 0, or 1 + the claim that was granted (DONE when none was asked for). */
  requests: number[];
}

/** What never changes of a claim. */
export interface Claim {
  readonly session: number;
  readonly feature: number;
  readonly token: number;
  readonly client: number;
  readonly request: number;
  /** Claims that it takes over from, one bit each. */
  readonly replaces: number;
}

/** One agent with its client library: one call at a time, repeated until it is answered. */
export interface Client {
  session: number;
  /** The call that waits for an answer, as an index of CALLS; NOBODY when none does. */
  call: number;
  feature: number;
  /** The claim whose token the call names. */
  hold: number;
  /** Number of the current or last request: its request id. */
  request: number;
  /** The claim of the pick that it was told it has. */
  knows: number;
  /** Its lease has lapsed since it sent the call: what is answered counts for nothing. */
  late: number;
}

/** One call or one piece of background work, on some server. */
export interface Process {
  kind: number;
  /** The next step, as an index of STEPS. */
  step: number;
  client: number;
  session: number;
  request: number;
  feature: number;
  /** Whether the client still waits for this very process. */
  heard: number;
  epoch: number;
  claim: number;
  /** The claim that the caller names by its token: of its pick, or of the hold that it takes over. */
  hold: number;
  /** The session that Expire is about. */
  target: number;
  /** Where to go on after Expire, Settle or an undo. */
  next: number;
  /** Claims, one bit each. */
  claims: number;
  revision: number;
  touches: number;
  /** What a rebuild has read: touches of the held claims, two bits each. */
  read: number;
}

export const BUDGETS = [
  "calls",
  "retries",
  "kills",
  "lapses",
  "flushes",
  "failovers",
  "unanswered",
  "forced",
  "jumps",
  "duels",
  "audits",
] as const;
/** What may still happen in a run; nothing else bounds it but the number of claims. */
export type Budgets = Record<(typeof BUDGETS)[number], number>;

export interface State {
  readonly scope: Scope;
  redis: Redis;
  /** An older copy of Redis, which a failover may put in its place. */
  replica: Redis | undefined;
  postgres: Postgres;
  clients: Client[];
  claims: Claim[];
  /** By server; undefined where nothing runs. */
  processes: (Process | undefined)[];
  /** A step whose sender has given up waiting; it may be made yet. */
  late: Process | undefined;
  /** By claim: what its agent does, and where. */
  work: number[];
  workTouches: number[];
  left: Budgets;
  /** By client. */
  callsLeft: number[];
  /** What was promised and not kept. */
  broken: string | undefined;
}

/** A bounded world. */
export interface Scope {
  readonly name: string;
  /** By feature: the paths that it touches, one bit each. */
  readonly features: readonly number[];
  /** Sessions in all; those beyond the number of clients are yet to be opened. */
  readonly sessions: number;
  readonly clients: number;
  /** Whether clients begin without a session. */
  readonly unopened?: boolean;
  /** Grants in all. */
  readonly claims: number;
  /** Processes at a time. */
  readonly servers: number;
  /** By client: what it may call. */
  readonly calls: readonly (readonly string[])[];
  /** What an extension asks for, and ReleasePaths gives up. */
  readonly extension?: number;
  readonly budgets: Partial<Budgets>;
  /** Clients and features that can be exchanged for each other. */
  readonly symmetric: boolean;
  readonly mutant?: string | undefined;
}

/** Two more grants than a scope allows: for the repetitions after the faults. */
export const SPARE_CLAIMS = 2;

/** Notes a broken promise; the first one counts. */
export function breakPromise(s: State, what: string): void {
  s.broken ??= what;
}
