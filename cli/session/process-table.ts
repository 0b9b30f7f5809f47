import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/** One process, as far as telling workers apart needs it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** The pid of the session leader; 0 when it can't be seen from here. */
  readonly leader: number;
  readonly hasTerminal: boolean;
  /** It has ended, and nobody has taken note yet. */
  readonly isZombie: boolean;
  /** Tells two processes with the same pid apart; in whatever unit the system counts. */
  readonly startTime: string;
}

/** Looks processes up; undefined for one that is gone. */
export interface ProcessTable {
  /** Tells machines, and boots of one, apart. */
  readonly machine: string;
  find(pid: number): ProcessEntry | undefined;
  /** Whether there is a process of that pid, also where nothing more of it can be seen. */
  exists(pid: number): boolean;
  /**
   * What the process was started with: the program's arguments and its environment, as the system keeps them, with a
   * NUL after each. Undefined where it can't be seen: another user's process, or another system than Linux.
   */
  startOf(pid: number): { readonly args: string; readonly env: string } | undefined;
}

/** The processes of this machine: from /proc on Linux, from one call of `ps` elsewhere. */
export function systemProcessTable(platform: NodeJS.Platform): ProcessTable {
  if (platform === "linux") {
    return {
      machine: linuxMachine(),
      find: (pid) => parseStat(readOrUndefined(`/proc/${pid}/stat`)),
      exists,
      startOf(pid) {
        const [args, env] = [readOrUndefined(`/proc/${pid}/cmdline`), readOrUndefined(`/proc/${pid}/environ`)];
        return args === undefined || env === undefined ? undefined : { args, env };
      },
    };
  }
  let entries: ReadonlyMap<number, ProcessEntry> | undefined;
  const find = (pid: number) => {
    entries ??= parsePs(psOutput());
    return entries.get(pid);
  };
  return { machine: "", find, exists, startOf: () => undefined };
}

function exists(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    // Somebody else's is there all the same.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** `pid (name) state ppid pgrp session tty_nr … starttime`: proc(5), fields 1 to 7 and 22. The name may hold anything. */
export function parseStat(stat: string | undefined): ProcessEntry | undefined {
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(fields[1]),
    leader: Number(fields[3]),
    hasTerminal: fields[4] !== "0",
    isZombie: fields[0] === "Z" || fields[0] === "X",
    startTime: fields[19] ?? "",
  };
}

/**
 * Lines of `ps -A -o pid=,ppid=,tty=,stat=,lstart=`. macOS' ps does not name the session leader, but marks it with an
 * `s` in the state, and it is an ancestor of its session's processes.
 */
export function parsePs(output: string): ReadonlyMap<number, ProcessEntry> {
  const lines = new Map<number, { parent: number; terminal: string; state: string; startTime: string }>();
  for (const line of output.split("\n")) {
    const [pid, parent, terminal, state, ...start] = line.trim().split(/\s+/);
    if (pid === undefined || state === undefined) continue;
    lines.set(Number(pid), {
      parent: Number(parent),
      terminal: terminal ?? "",
      state,
      startTime: start.join(" "),
    });
  }
  const leaderOf = (pid: number): number => {
    const seen = new Set<number>();
    for (let at = pid; !seen.has(at); ) {
      const entry = lines.get(at);
      if (entry === undefined) return 0;
      if (entry.state.includes("s")) return at;
      seen.add(at);
      at = entry.parent;
    }
    return 0;
  };
  return new Map(
    [...lines].map(([pid, { parent, terminal, state, startTime }]) => {
      const hasTerminal = !/^\?*-?$/.test(terminal);
      return [pid, { pid, parent, leader: leaderOf(pid), hasTerminal, isZombie: state.startsWith("Z"), startTime }];
    }),
  );
}

/** Process ids begin anew with every boot, and in every pid namespace. */
function linuxMachine(): string {
  const boot = readOrUndefined("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
  try {
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return boot;
  }
}

function psOutput(): string {
  try {
    const columns = ["-A", "-o", "pid=,ppid=,tty=,stat=,lstart="];
    return execFileSync("ps", columns, {
      encoding: "utf8",
      // Start times are read again, in English.
      env: { ...process.env, LC_ALL: "C" },
      timeout: 2_000,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return "";
  }
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
