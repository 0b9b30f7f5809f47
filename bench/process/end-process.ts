import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Asks a process to end and waits until it has; kills it when it takes longer than the bound, in milliseconds. */
export async function endProcess(child: ChildProcess, boundMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), boundMs);
  await gone;
  clearTimeout(killer);
}
