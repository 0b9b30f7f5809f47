import type { ProcessEntry, ProcessTable } from "../session/process-table.ts";

/** A shell (10) in a terminal, the agent in it (20), and a command of the agent in a session of its own (30). */
export const PROCESSES: readonly ProcessEntry[] = [
  { pid: 10, parent: 1, leader: 10, hasTerminal: true, isZombie: false, startTime: "100" },
  { pid: 20, parent: 10, leader: 10, hasTerminal: true, isZombie: false, startTime: "200" },
  { pid: 30, parent: 20, leader: 30, hasTerminal: false, isZombie: false, startTime: "300" },
  { pid: 40, parent: 1, leader: 40, hasTerminal: true, isZombie: false, startTime: "400" },
  { pid: 50, parent: 1, leader: 50, hasTerminal: false, isZombie: false, startTime: "500" },
  { pid: 51, parent: 50, leader: 50, hasTerminal: false, isZombie: false, startTime: "510" },
];

/** What processes were started with: pid → arguments and environment, each with a blank between. */
export type Starts = Readonly<Record<number, { readonly args: string; readonly env: string }>>;

/** A table of these processes; where no starts are given, none can be seen. Of the hidden ones only the pid is. */
export function table(
  entries = PROCESSES,
  machine = "boot-1",
  starts: Starts = {},
  hidden: readonly number[] = [],
): ProcessTable {
  const withNuls = (text: string) => text.split(" ").join("\0");
  return {
    machine,
    find: (pid) => entries.find((entry) => entry.pid === pid),
    exists: (pid) => hidden.includes(pid) || entries.some((entry) => entry.pid === pid),
    startOf(pid) {
      const start = starts[pid];
      return start && { args: withNuls(start.args), env: `${withNuls(start.env)}\0` };
    },
  };
}
