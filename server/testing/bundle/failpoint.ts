import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { StoreUnavailableError } from "../../domain/errors.ts";
import type { Failpoint } from "../../domain/failpoint.ts";

/**
 * What happens when an armed step is reached, once:
 * - `kill`: the process ends there, as by kill -9.
 * - `throw`: the store does not answer there; what it did stays done.
 * - `drop`: the connection to the caller breaks; the server goes on. Without a caller (the reconciler) nothing.
 * - a number: so many milliseconds pass.
 */
export type FailpointAction = "kill" | "throw" | "drop" | number;

const armed = new Map<Failpoint, FailpointAction>();
/** Steps that were reached since they were armed. */
const fired = new Set<Failpoint>();
/** The connection of the call that this is a part of; HTTP/1.1 only. */
const caller = new AsyncLocalStorage<Socket>();

// Published just before the server hands the request on, in the same turn.
subscribe("http.server.request.start", (message) => caller.enterWith((message as { socket: Socket }).socket));

/** Makes the next call that reaches this step meet this action. */
export function arm(step: Failpoint, action: FailpointAction): void {
  fired.delete(step);
  armed.set(step, action);
}

/** Lets every step pass again. */
export function disarm(): void {
  armed.clear();
}

/** Whether the step was reached since it was armed. */
export function hasFired(step: Failpoint): boolean {
  return fired.has(step);
}

/** Takes the place of the empty function in domain/failpoint.ts. */
export async function failpoint(step: Failpoint): Promise<void> {
  const action = armed.get(step);
  if (action === undefined) return;
  armed.delete(step);
  fired.add(step);
  if (typeof action === "number") await pause(action);
  else if (action === "throw") throw new StoreUnavailableError("claims", { cause: new Error(`failpoint ${step}`) });
  else if (action === "drop") caller.getStore()?.destroy();
  else await killSelf(step);
}

/** Says first that it was this step, where somebody listens: a killed process says nothing more. */
async function killSelf(step: Failpoint): Promise<never> {
  await new Promise<void>((resolve) => {
    if (process.send === undefined) resolve();
    else process.send({ killedAt: step }, () => resolve());
  });
  process.kill(process.pid, "SIGKILL");
  return new Promise<never>(() => {});
}
