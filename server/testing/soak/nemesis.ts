import { setTimeout as pause } from "node:timers/promises";
import { Random } from "./random.ts";
import type { Direction } from "./tcp-proxy.ts";
import type { Store, World } from "./world.ts";

/** One misfortune. `server` is its number, `ms` how long it lasts. */
export type Fault =
  | { readonly kind: "kill server"; readonly server: number; readonly ms: number }
  | { readonly kind: "stop server"; readonly server: number; readonly ms: number }
  | { readonly kind: "kill redis"; readonly data: "kept" | "lost"; readonly ms: number }
  | { readonly kind: "flush redis" }
  | { readonly kind: "restart postgres"; readonly how: "in order" | "crash"; readonly ms: number }
  | {
      readonly kind: "slow";
      readonly server: number;
      readonly store: Store;
      readonly ms: number;
      readonly byMs: number;
    }
  | { readonly kind: "cut"; readonly server: number; readonly store: Store; readonly how: "ended" | "reset" }
  | {
      readonly kind: "half-open";
      readonly server: number;
      readonly store: Store;
      readonly directions: readonly Direction[];
      readonly ms: number;
      /** How it ends: what was sent meanwhile arrives late, or never. */
      readonly ends: "delivered" | "cut";
    };

/** A fault and when it strikes, in milliseconds from the beginning. */
export interface ScheduledFault {
  readonly atMs: number;
  readonly fault: Fault;
}

/** Between the beginnings of two faults; some last longer, so that several are on at once. */
const [SHORTEST_GAP_MS, LONGEST_GAP_MS] = [1_500, 4_500];

/**
 * The misfortunes of one run, which the seed decides. Every kind comes before any comes again.
 *
 * @param ttlMs of the sessions: a server is stopped for longer than that
 */
export function planFaults(seed: number, forMs: number, servers: number, ttlMs: number): ScheduledFault[] {
  const random = new Random(seed);
  const server = () => random.between(0, servers - 1);
  const store = () => random.oneOf<Store>(["redis", "postgres"]);
  const halfOpen = (...directions: readonly Direction[]): (() => Fault) => {
    return () => ({
      kind: "half-open",
      server: server(),
      store: store(),
      directions,
      ms: random.between(500, ttlMs + 2_000),
      ends: random.oneOf(["delivered", "cut"]),
    });
  };
  const makers: readonly (() => Fault)[] = [
    () => ({ kind: "kill server", server: server(), ms: random.between(0, 1_500) }),
    () => ({ kind: "stop server", server: server(), ms: random.between(ttlMs + 200, 1.5 * ttlMs) }),
    () => ({ kind: "kill redis", data: "kept", ms: random.between(0, 1_000) }),
    () => ({ kind: "kill redis", data: "lost", ms: random.between(0, 1_000) }),
    () => ({ kind: "flush redis" }),
    () => ({ kind: "restart postgres", how: "in order", ms: random.between(0, 500) }),
    () => ({ kind: "restart postgres", how: "crash", ms: random.between(0, 500) }),
    () => ({
      kind: "slow",
      server: server(),
      store: store(),
      ms: random.between(1_000, 4_000),
      byMs: random.between(20, 400),
    }),
    () => ({ kind: "cut", server: server(), store: store(), how: random.oneOf(["ended", "reset"]) }),
    halfOpen("requests"),
    halfOpen("answers"),
    halfOpen("requests", "answers"),
  ];
  const faults: ScheduledFault[] = [];
  let deck: (() => Fault)[] = [];
  for (let atMs = SHORTEST_GAP_MS; atMs < forMs; atMs += random.between(SHORTEST_GAP_MS, LONGEST_GAP_MS)) {
    if (deck.length === 0) deck = random.shuffled(makers);
    const make = deck.pop();
    if (make !== undefined) faults.push({ atMs, fault: make() });
  }
  return faults;
}

/**
 * Lets the faults strike, each at its time, and undoes them all at the end. What strikes the same thing waits for the
 * one before to be over.
 *
 * @param over tells when no more shall strike
 * @param onFault is told when one strikes
 */
export async function unleash(
  world: World,
  faults: readonly ScheduledFault[],
  over: () => boolean,
  onFault: (fault: Fault) => void,
): Promise<void> {
  const begin = performance.now();
  const busy = new Map<string, Promise<void>>();
  for (const { atMs, fault } of faults) {
    await pause(Math.max(0, begin + atMs - performance.now()));
    if (over()) break;
    const victim = victimOf(fault);
    const turn = (busy.get(victim) ?? Promise.resolve()).then(() => {
      onFault(fault);
      return strike(world, fault);
    });
    // A failure is told by the wait at the end; meanwhile it is not unhandled.
    turn.catch(() => {});
    busy.set(victim, turn);
  }
  await Promise.all(busy.values());
}

function victimOf(fault: Fault): string {
  switch (fault.kind) {
    case "kill redis":
    case "flush redis":
      return "redis";
    case "restart postgres":
      return "postgres";
    case "kill server":
    case "stop server":
      return `server ${fault.server}`;
    default:
      return `${fault.store} of server ${fault.server}`;
  }
}

async function strike(world: World, fault: Fault): Promise<void> {
  switch (fault.kind) {
    case "kill server":
      await world.killServer(fault.server);
      await pause(fault.ms);
      return world.startServer(fault.server);
    case "stop server":
      world.stopServer(fault.server);
      await pause(fault.ms);
      return world.continueServer(fault.server);
    case "kill redis":
      return world.restartRedis(fault.data, fault.ms);
    case "flush redis":
      return world.flushRedis();
    case "restart postgres":
      return world.restartPostgres(fault.how, fault.ms);
    case "slow": {
      const proxy = world.proxy(fault.server, fault.store);
      proxy.delayMs = fault.byMs;
      await pause(fault.ms);
      proxy.delayMs = 0;
      return;
    }
    case "cut":
      return world.proxy(fault.server, fault.store).cut(fault.how);
    case "half-open": {
      const proxy = world.proxy(fault.server, fault.store);
      proxy.silence(...fault.directions);
      await pause(fault.ms);
      if (fault.ends === "cut") proxy.cut();
      proxy.deliver();
      return;
    }
  }
}
