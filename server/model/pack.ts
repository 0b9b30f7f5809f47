import { BUDGETS, type Budgets, NOBODY, type Process, type Redis, type Scope, type State } from "./state.ts";

/** Names of clients, sessions and features in place of others; that of nobody stays. */
interface Renaming {
  readonly clients: readonly number[];
  readonly sessions: readonly number[];
  readonly features: readonly number[];
}

export const PROCESS_SIZE = 15;
export const CLAIM_SIZE = 6;

/** Packs the states of one scope into words, each into as many. */
export class Packer {
  /** How many of the first words say all that a crash of every server leaves. */
  lasting = 0;
  /** All ways to exchange clients and features; the first changes nothing. */
  readonly renamings: readonly Renaming[];
  private readonly words = new Uint32Array(256);
  private readonly bytes = new Uint8Array(this.words.buffer);
  private readonly budgets: readonly (keyof Budgets)[];
  private readonly slots: number;
  private at = 0;

  constructor(scope: Scope) {
    this.renamings = renamingsOf(scope);
    this.budgets = budgetsOf(scope);
    this.slots = scope.claims;
  }

  /**
   * The words of a state. Two states that differ only by what a renaming changes, and by which server does what, have
   * the same canonical words under some renaming.
   *
   * @param canonical forgets which server does what
   * @returns a view that the next call overwrites; unpackState reads it when nothing was renamed
   */
  pack(s: State, renaming: Renaming | undefined = this.renamings[0], canonical = false): Uint32Array {
    this.at = 0;
    if (renaming !== undefined) this.putLasting(s, renaming);
    this.align();
    this.lasting = this.at / 4;
    if (renaming !== undefined) this.putPassing(s, renaming, canonical);
    this.align();
    return this.words.subarray(0, this.at / 4);
  }

  /** The stores, the clients, the claims, and what agents do. */
  private putLasting(s: State, { clients, sessions, features }: Renaming): void {
    const { bytes, slots } = this;
    const { postgres } = s;
    this.putRedis(s.redis, sessions);
    this.put(postgres.epoch);
    this.putRenamed(postgres.sessions, sessions);
    this.putRenamed(postgres.ending, sessions);
    const featuresAt = this.at;
    for (let id = 0; id < postgres.features.length; id++) {
      const f = postgres.features[id];
      if (f === undefined) continue;
      this.at = featuresAt + (features[id] ?? 0) * 7;
      this.put(f.status);
      this.put(sessions[f.session] ?? 0);
      this.put(f.claim);
      this.put(f.token);
      this.put(f.interrupted);
      this.put(f.revision);
      this.put(f.touches);
    }
    this.at = featuresAt + postgres.features.length * 7;
    this.putAll(postgres.rows, slots);
    this.putAll(postgres.touches, slots);
    this.putAll(postgres.shrunk, slots);
    const requests = postgres.requests.length / s.clients.length;
    for (let id = 0; id < postgres.requests.length; id++) {
      const whose = clients[Math.floor(id / requests)] ?? 0;
      bytes[this.at + whose * requests + (id % requests)] = postgres.requests[id] ?? 0;
    }
    const clientsAt = this.at + postgres.requests.length;
    for (let id = 0; id < s.clients.length; id++) {
      const c = s.clients[id];
      if (c === undefined) continue;
      this.at = clientsAt + (clients[id] ?? 0) * 6;
      this.put(sessions[c.session] ?? 0);
      this.put(c.call);
      this.put(features[c.feature] ?? 0);
      this.put(c.hold);
      this.put(c.request);
      this.put(c.knows + (c.late << 4));
    }
    this.at = clientsAt + s.clients.length * 6;
    this.put(s.claims.length);
    for (const c of s.claims) {
      this.put(sessions[c.session] ?? 0);
      this.put(features[c.feature] ?? 0);
      this.put(c.token);
      this.put(clients[c.client] ?? 0);
      this.put(c.request);
      this.put(c.replaces);
    }
    for (let i = s.claims.length * CLAIM_SIZE; i < slots * CLAIM_SIZE; i++) this.put(0);
    this.putAll(s.work, slots);
    this.putAll(s.workTouches, slots);
  }

  /** What a crash takes away, and what may still happen. */
  private putPassing(s: State, renaming: Renaming, canonical: boolean): void {
    const { clients, sessions } = renaming;
    for (const budget of this.budgets) this.put(s.left[budget]);
    this.putRenamed(s.callsLeft, clients);
    if (this.budgets.includes("failovers")) {
      this.put(s.replica === undefined ? 0 : 1);
      this.putRedis(s.replica ?? s.redis, sessions);
    }
    const processesAt = this.at;
    for (const process of s.processes) this.putProcess(process, renaming);
    if (canonical) this.sortProcesses(processesAt, s.processes.length);
    if (this.budgets.includes("unanswered")) this.putProcess(s.late, renaming);
  }

  private put(value: number): void {
    this.bytes[this.at++] = value;
  }

  private align(): void {
    while (this.at % 4 !== 0) this.put(0);
  }

  private putAll(values: readonly number[], count: number): void {
    for (let i = 0; i < count; i++) this.bytes[this.at++] = values[i] ?? 0;
  }

  private putRenamed(values: readonly number[], names: readonly number[]): void {
    for (let id = 0; id < values.length; id++) this.bytes[this.at + (names[id] ?? 0)] = values[id] ?? 0;
    this.at += values.length;
  }

  private putRedis(redis: Redis, sessions: readonly number[]): void {
    this.put(redis.epoch);
    this.put(redis.ready | (redis.foreign << 1) | (redis.jumped << 2) | (redis.counter << 3));
    this.putRenamed(redis.leases, sessions);
    this.putAll(redis.claims, this.slots);
    this.putAll(redis.touches, this.slots);
  }

  private putProcess(p: Process | undefined, { clients, sessions, features }: Renaming): void {
    if (p === undefined) {
      for (let i = 0; i < PROCESS_SIZE; i++) this.put(0);
      return;
    }
    this.put(p.kind + 1);
    this.put(p.step);
    this.put(clients[p.client] ?? 0);
    this.put(sessions[p.session] ?? 0);
    this.put(p.request);
    this.put((features[p.feature] ?? 0) + (p.heard << 4));
    this.put(p.epoch);
    this.put(p.claim);
    this.put(p.hold);
    this.put(sessions[p.target] ?? 0);
    this.put(p.next);
    this.put(p.claims);
    this.put(p.revision + (p.touches << 4));
    this.put(p.read & 255);
    this.put(p.read >> 8);
  }

  /** Puts the processes in the order of their bytes (an insertion sort: there are few). */
  private sortProcesses(from: number, count: number): void {
    const { bytes } = this;
    for (let i = 1; i < count; i++) {
      for (let j = i; j > 0; j--) {
        const [a, b] = [from + (j - 1) * PROCESS_SIZE, from + j * PROCESS_SIZE];
        if (!this.isGreater(a, b)) break;
        for (let n = 0; n < PROCESS_SIZE; n++) {
          const byte = bytes[a + n] ?? 0;
          bytes[a + n] = bytes[b + n] ?? 0;
          bytes[b + n] = byte;
        }
      }
    }
  }

  private isGreater(a: number, b: number): boolean {
    for (let n = 0; n < PROCESS_SIZE; n++) {
      const difference = (this.bytes[a + n] ?? 0) - (this.bytes[b + n] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return false;
  }
}

/** The budgets that a scope has; the others are nothing in each of its states. */
export function budgetsOf({ budgets }: Scope): (keyof Budgets)[] {
  return BUDGETS.filter((name) => (budgets[name] ?? 0) > 0);
}

function renamingsOf({ symmetric, clients, features, sessions }: Scope): Renaming[] {
  const clientOrders = symmetric ? permutations(clients) : [identity(clients)];
  const featureOrders = symmetric ? permutations(features.length) : [identity(features.length)];
  return clientOrders.flatMap((order) =>
    featureOrders.map((featureOrder) => ({
      clients: withNobody(order),
      // A client's sessions are those whose number leaves its own.
      sessions: withNobody(identity(sessions).map((id) => id - (id % clients) + (order[id % clients] ?? 0))),
      features: withNobody(featureOrder),
    })),
  );
}

function withNobody(names: readonly number[]): number[] {
  return Array.from({ length: NOBODY + 1 }, (_, id) => names[id] ?? id);
}

function identity(count: number): number[] {
  return Array.from({ length: count }, (_, id) => id);
}

/** Every order of so many; the first is as they are. */
function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((rest) =>
    identity(count).map((place) => [...rest.slice(0, count - 1 - place), count - 1, ...rest.slice(count - 1 - place)]),
  );
}
