import { createHash } from "node:crypto";
import { AGENT_ENVIRONMENTS } from "../agents/agent-environments.ts";
import type { ProcessEntry, ProcessTable } from "./process-table.ts";

/** Who is at work here, so that the same worker gets the same session with every command. */
export interface SessionIdentity {
  /** For OpenSession; at most 200 characters. */
  readonly clientSessionId: string;
  /** Which agent; empty for a person in a terminal. */
  readonly agent: string;
  /** How that was found, for people. */
  readonly foundBy: string;
}

/** What identifies the worker. */
export interface IdentitySources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: string;
  readonly pid: number;
  readonly parentPid: number;
  /** Looked at only where the environment names no agent session. */
  readonly processes: () => ProcessTable;
}

const MAX_ID_LENGTH = 200;

/**
 * The agent's own session id where its environment has one, else the terminal: its session leader's pid and start
 * time. The working tree is no part of it: one agent in two worktrees is one worker.
 */
export function findSessionIdentity(sources: IdentitySources): SessionIdentity {
  for (const { agent, sessionIds } of AGENT_ENVIRONMENTS) {
    for (const variable of sessionIds) {
      const id = sources.env[variable];
      // A client that does not expand `${VAR}` passes it on as it stands.
      if (id && !id.startsWith("${")) return { clientSessionId: bounded(`${agent}:${id}`), agent, foundBy: variable };
    }
  }
  const marked = AGENT_ENVIRONMENTS.find(({ markers }) => markers.some((marker) => sources.env[marker]));
  const agent = marked?.agent ?? "";
  const leader = terminalLeader(sources);
  const key = [sources.host, leader.machine, leader.pid, leader.startTime].join("\n");
  return {
    clientSessionId: `${agent || "terminal"}:${createHash("sha256").update(key).digest("hex").slice(0, 32)}`,
    agent,
    foundBy: `the terminal, whose session leader is process ${leader.pid}`,
  };
}

/**
 * The leader of the session of this process. A process without a terminal may have been put into a session of its own
 * for one command only, so then the nearest ancestor with a terminal decides, if there is one.
 */
function terminalLeader({ pid, parentPid, processes }: IdentitySources): {
  readonly machine: string;
  readonly pid: number;
  readonly startTime: string;
} {
  const table = processes();
  const own = table.find(pid);
  const worker = nearestWithTerminal(own, table) ?? own;
  const leaderPid = worker?.leader || parentPid;
  // A leader that has ended keeps its pid reserved while anything of its session runs.
  return { machine: table.machine, pid: leaderPid, startTime: table.find(leaderPid)?.startTime ?? "" };
}

function nearestWithTerminal(own: ProcessEntry | undefined, table: ProcessTable): ProcessEntry | undefined {
  const seen = new Set<number>();
  for (let at = own; at !== undefined && !seen.has(at.pid); at = table.find(at.parent)) {
    if (at.hasTerminal) return at;
    seen.add(at.pid);
  }
  return undefined;
}

function bounded(id: string): string {
  if (id.length <= MAX_ID_LENGTH) return id;
  return `${id.slice(0, 100)}:${createHash("sha256").update(id).digest("hex")}`;
}
