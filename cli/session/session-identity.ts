import { createHash } from "node:crypto";
import { AGENT_ENVIRONMENTS } from "../agents/agent-environments.ts";
import type { ProcessTable } from "./process-table.ts";
import { findAgentProcess, findTerminal, type WorkerProcess } from "./worker-process.ts";

/** Who is at work here, so that the same worker gets the same session with every command. */
export interface SessionIdentity {
  /** For OpenSession; at most 200 characters. */
  readonly clientSessionId: string;
  /** Which agent; empty for a person in a terminal. */
  readonly agent: string;
  /** How that was found, for people. */
  readonly foundBy: string;
  /** The process that the worker lives and dies with; undefined where none can be told. */
  readonly process: WorkerProcess | undefined;
  /** Neither an agent nor a terminal was found, only a session of processes, which may be there for one command only. */
  readonly isBare: boolean;
}

/** What identifies the worker. */
export interface IdentitySources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: string;
  readonly pid: number;
  readonly parentPid: number;
  readonly processes: ProcessTable;
  readonly now: Date;
}

const MAX_ID_LENGTH = 200;

/**
 * The agent's own session id where its environment has one, else the terminal: its session leader's pid and start
 * time. The working tree is no part of it: one agent in two worktrees is one worker.
 */
export function findSessionIdentity(sources: IdentitySources): SessionIdentity {
  const { env, host, processes } = sources;
  for (const { agent, sessionIds } of AGENT_ENVIRONMENTS) {
    for (const variable of sessionIds) {
      const id = env[variable];
      // A client that does not expand `${VAR}` passes it on as it stands.
      if (!id || id.startsWith("${")) continue;
      const process = findAgentProcess(`${variable}=${id}`, sources);
      return { clientSessionId: bounded(`${agent}:${id}`), agent, foundBy: variable, process, isBare: false };
    }
  }
  const terminal = findTerminal(sources);
  const key = [host, processes.machine, terminal.leader.pid, terminal.leader.startTime].join("\n");
  const digest = createHash("sha256").update(key).digest("hex").slice(0, 32);
  const foundBy = `the terminal, whose session leader is process ${terminal.leader.pid}`;
  for (const { agent, markers } of AGENT_ENVIRONMENTS) {
    const marker = markers.find((name) => env[name]);
    if (marker === undefined) continue;
    const process = findAgentProcess(`${marker}=${env[marker]}`, sources);
    return { clientSessionId: `${agent}:${digest}`, agent, foundBy, process, isBare: false };
  }
  const { process, hasTerminal } = terminal;
  return { clientSessionId: `terminal:${digest}`, agent: "", foundBy, process, isBare: !hasTerminal };
}

function bounded(id: string): string {
  if (id.length <= MAX_ID_LENGTH) return id;
  return `${id.slice(0, 100)}:${createHash("sha256").update(id).digest("hex")}`;
}
