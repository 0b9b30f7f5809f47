import type { ProcessEntry, ProcessTable } from "./process-table.ts";

/** A process that a worker lives and dies with: an agent's own, or the leader of a terminal's session. */
export interface WorkerProcess {
  readonly pid: number;
  /** With the pid it names one process of the machine: a pid comes back, a start time does not. */
  readonly startTime: string;
  /** `ProcessTable.machine` of where it runs. */
  readonly machine: string;
}

/** Where to look from. */
export interface ProcessSources {
  readonly pid: number;
  readonly parentPid: number;
  readonly processes: ProcessTable;
  readonly now: Date;
}

/** What is older than a command by so much does not run for that command only. Start times may be whole seconds. */
const LONG_LIVED_MS = 10_000;

/**
 * Whether the process runs still. Of another machine, or of another boot of this one, nothing runs here. One that is
 * there and can't be looked at (a `ps` that took too long, no more files to be opened) is not taken for dead.
 */
export function isRunning({ pid, startTime, machine }: WorkerProcess, processes: ProcessTable): boolean {
  if (machine !== processes.machine) return false;
  const entry = processes.find(pid);
  return entry === undefined ? processes.exists(pid) : entry.startTime === startTime && !entry.isZombie;
}

/**
 * The agent that this command works for: the process that set the variable, which is the first ancestor above all that
 * were started with it. The shells and tools in between live for one command only.
 *
 * Where no environment can be seen it is the nearest ancestor that was there 10 s before this command. Undefined when
 * there is none, or only the process that everything descends from.
 *
 * @param variable `NAME=value`
 */
export function findAgentProcess(variable: string, { pid, processes, now }: ProcessSources): WorkerProcess | undefined {
  const chain = ancestorsOf(pid, processes);
  const starts = chain.map((entry) => processes.startOf(entry.pid));
  if (starts.every((start) => start === undefined)) {
    const old = chain.find(({ startTime }) => now.getTime() - Date.parse(startTime) >= LONG_LIVED_MS);
    return processOf(old, processes);
  }
  const marked = starts.findLastIndex((start) => start !== undefined && `\0${start.env}`.includes(`\0${variable}\0`));
  let setter = marked + 1;
  // A shell's subshell, `x=$(…)`, is a copy that ends soon, and looks as its parent does.
  while (isCopy(starts[setter], starts[setter + 1])) setter++;
  return processOf(chain[setter], processes);
}

/** A terminal, or what stands for one: a session of processes. */
export interface TerminalSession {
  /** Tells sessions apart; a leader that has ended has no start time. */
  readonly leader: { readonly pid: number; readonly startTime: string };
  /** The leader, unless it has ended or is this command itself. */
  readonly process: WorkerProcess | undefined;
  readonly hasTerminal: boolean;
}

/**
 * The session of this process. A process without a terminal may have been put into a session of its own for one command
 * only, so then the nearest ancestor with a terminal decides, if there is one.
 */
export function findTerminal({ pid, parentPid, processes }: ProcessSources): TerminalSession {
  const own = processes.find(pid);
  const inTerminal = own?.hasTerminal ? own : ancestorsOf(pid, processes).find((entry) => entry.hasTerminal);
  const leaderPid = (inTerminal ?? own)?.leader || parentPid;
  // A leader that has ended keeps its pid reserved while anything of its session runs.
  const leader = processes.find(leaderPid);
  const watched = leader?.isZombie || leaderPid === pid ? undefined : leader;
  return {
    leader: { pid: leaderPid, startTime: leader?.startTime ?? "" },
    process: processOf(watched, processes),
    hasTerminal: inTerminal !== undefined,
  };
}

/** The parent first. */
function ancestorsOf(pid: number, processes: ProcessTable): readonly ProcessEntry[] {
  const chain: ProcessEntry[] = [];
  const seen = new Set([pid]);
  for (let at = processes.find(processes.find(pid)?.parent ?? 0); at !== undefined && !seen.has(at.pid); ) {
    chain.push(at);
    seen.add(at.pid);
    at = processes.find(at.parent);
  }
  return chain;
}

function isCopy(start: ReturnType<ProcessTable["startOf"]>, parent: ReturnType<ProcessTable["startOf"]>): boolean {
  return start !== undefined && start.args === parent?.args && start.env === parent.env;
}

/** Process 1 outlives every worker, so it stands for none. */
function processOf(entry: ProcessEntry | undefined, { machine }: ProcessTable): WorkerProcess | undefined {
  return entry === undefined || entry.pid <= 1 ? undefined : { pid: entry.pid, startTime: entry.startTime, machine };
}
