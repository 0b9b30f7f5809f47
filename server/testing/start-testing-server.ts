import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Failpoint } from "../domain/failpoint.ts";
import type { ProjectId } from "../domain/ids.ts";
import type { Deviation } from "./audit-stores.ts";
import type { NumberedOrder, Order, Word } from "./bundle/control.ts";
import type { FailpointAction } from "./bundle/failpoint.ts";
import { type ServerProcess, startServerProcess } from "./start-server-process.ts";

const TESTING_BUNDLE = fileURLToPath(new URL("../dist/main.testing.js", import.meta.url));
/** How long an order may take. */
const ORDER_BOUND_MS = 60_000;

/** A server that does what a test tells it to. Orders reject with ServerEnded when it ends before it answers. */
export interface ObedientServer {
  readonly url: string;
  /** Makes the next call that reaches this step meet this action. */
  arm(step: Failpoint, action: FailpointAction): Promise<void>;
  /** Lets every step pass again. */
  disarm(): Promise<void>;
  /** Whether that step was reached since it was armed, also by a process that it killed. */
  fired(step: Failpoint): Promise<boolean>;
  /** Runs the reconciler once. */
  reconcile(): Promise<void>;
  /** Compares both stores as this server sees them. */
  audit(projectId: string): Promise<readonly Deviation[]>;
  /** Makes the claim store lose everything of the project. */
  forget(projectId: string): Promise<void>;
}

/** Such a server in a process of its own. */
export interface TestingServer extends ServerProcess, ObedientServer {
  /** Resolves when the process has ended, by whatever. */
  readonly ended: Promise<void>;
}

/** How a server for tests differs from one for users. */
export interface TestingSwitches {
  /** How often its reconciler runs, in ms: as in production by default, 0 for never but on call. */
  readonly reconcileMs?: number;
  /** How wrong its time of day is, in ms. */
  readonly clockOffsetMs?: number;
}

/** Starts the testing bundle: the server with failpoints and leases from 200 ms on. `make build` makes it. */
export async function startTestingServer(
  env: Readonly<Record<string, string>>,
  { reconcileMs, clockOffsetMs }: TestingSwitches = {},
): Promise<TestingServer> {
  const server = await startServerProcess(
    {
      LOG_LEVEL: "warn",
      ...(reconcileMs !== undefined && { NEXUS_TEST_RECONCILE_MS: String(reconcileMs) }),
      ...(clockOffsetMs !== undefined && { NEXUS_TEST_CLOCK_OFFSET_MS: String(clockOffsetMs) }),
      ...env,
    },
    TESTING_BUNDLE,
  );
  const { child } = server;
  const waiting = new Map<number, (word: Word) => void>();
  let orders = 0;
  let killedAt: Failpoint | undefined;
  child.on("message", (word: Word) => {
    if ("killedAt" in word) killedAt = word.killedAt;
    else waiting.get(word.order)?.(word);
  });
  child.on("error", () => {});
  const ended = once(child, "exit").then(() => {});

  async function tell(order: Order): Promise<unknown> {
    const number = ++orders;
    const numbered: NumberedOrder = { ...order, order: number };
    let bound: NodeJS.Timeout | undefined;
    const answered = new Promise<Word>((resolve, reject) => {
      waiting.set(number, resolve);
      bound = setTimeout(() => reject(new Error(`no answer to ${order.do}`)), ORDER_BOUND_MS);
      ended.then(() => reject(new ServerEnded(order.do)));
      if (child.connected) child.send(numbered, () => {});
      else reject(new ServerEnded(order.do));
    });
    try {
      const word = await answered;
      if ("error" in word) throw new Error(`${order.do}: ${word.error}`);
      return "answer" in word ? word.answer : undefined;
    } finally {
      clearTimeout(bound);
      waiting.delete(number);
    }
  }

  return {
    ...server,
    ended,
    async arm(step, action) {
      await tell({ do: "arm", step, action });
    },
    async disarm() {
      await tell({ do: "disarm" });
    },
    async fired(step) {
      if (killedAt === step) return true;
      try {
        return (await tell({ do: "fired", step })) === true;
      } catch (error) {
        if (error instanceof ServerEnded) return killedAt === step;
        throw error;
      }
    },
    async reconcile() {
      await tell({ do: "reconcile" });
    },
    async audit(projectId) {
      return (await tell({ do: "audit", projectId: projectId as ProjectId })) as readonly Deviation[];
    },
    async forget(projectId) {
      await tell({ do: "forget", projectId: projectId as ProjectId });
    },
  };
}

/** The server's process ended before it answered. */
export class ServerEnded extends Error {
  constructor(what: string) {
    super(`the server ended before it answered '${what}'`);
  }
}
