import { expect, test } from "vitest";
import { PROCESSES, type Starts, table } from "../testing/process-table.ts";
import type { ProcessEntry } from "./process-table.ts";
import { findAgentProcess, findTerminal, isRunning } from "./worker-process.ts";

const VARIABLE = "AGENT_SESSION=a1";

/** Processes 2, 3, 4, …, each the child of the one before. */
function chain(length: number): readonly ProcessEntry[] {
  return Array.from({ length }, (_, at) => {
    return { ...PROCESSES[0], pid: at + 2, parent: at + 1, startTime: `t${at + 2}` } as ProcessEntry;
  });
}

function agentOf(pid: number, starts: Starts) {
  const processes = table(chain(pid - 1), "boot-1", starts);
  return findAgentProcess(VARIABLE, { pid, parentPid: pid - 1, processes, now: new Date() })?.pid;
}

const SHELL = { args: "bash", env: "HOME=/home/ana" };
const AGENT = { args: "agent", env: "HOME=/home/ana SHLVL=1" };
const TOOL = { args: "bash -c make", env: `HOME=/home/ana ${VARIABLE} SHLVL=2` };

test("the agent is the process that set the variable for what it starts", () => {
  expect(agentOf(6, { 2: SHELL, 3: AGENT, 4: TOOL, 5: { ...TOOL, args: "make" } })).toBe(3);
});

test("a shell that cleared its environment on the way hides nothing", () => {
  expect(agentOf(6, { 2: SHELL, 3: AGENT, 4: TOOL, 5: { args: "env -i", env: "A=b" } })).toBe(3);
});

test("another value of the variable, or a longer name, is another variable", () => {
  expect(agentOf(5, { 2: SHELL, 3: AGENT, 4: { ...TOOL, env: `${VARIABLE}1 X${VARIABLE}` } })).toBe(4);
});

test("a shell that set the variable for itself is the agent, and its subshells are not", () => {
  expect(agentOf(4, { 2: SHELL, 3: AGENT })).toBe(3);
  expect(agentOf(6, { 2: AGENT, 3: SHELL, 4: SHELL, 5: SHELL })).toBe(3);
});

test("an ancestor whose environment can't be seen was not started with the variable", () => {
  expect(agentOf(5, { 2: SHELL, 4: TOOL })).toBe(3);
});

test("what everything descends from is nobody's agent", () => {
  const processes = table([{ ...chain(1)[0], pid: 1, parent: 0 } as ProcessEntry, ...chain(2)], "boot-1", { 2: TOOL });

  expect(findAgentProcess(VARIABLE, { pid: 3, parentPid: 2, processes, now: new Date() })).toBeUndefined();
});

test("where no environment can be seen, the nearest ancestor that was there before is the agent", () => {
  const started = ["09:00:00", "09:30:00", "10:00:55", "10:00:59", "10:01:00"];
  const entries = chain(5).map((entry, at) => ({ ...entry, startTime: `Mon Nov 2 ${started[at]} 2026` }));
  const now = new Date("Mon Nov 2 10:01:00 2026");

  const agent = findAgentProcess(VARIABLE, { pid: 6, parentPid: 5, processes: table(entries), now });

  expect(agent).toMatchObject({ pid: 3, startTime: "Mon Nov 2 09:30:00 2026" });
});

test("a terminal is watched by its session leader; one that has ended, or is the command itself, is not", () => {
  const at = (pid: number, entries = PROCESSES) =>
    findTerminal({ pid, parentPid: 1, processes: table(entries), now: new Date() });

  expect(at(30)).toMatchObject({ process: { pid: 10, startTime: "100", machine: "boot-1" }, hasTerminal: true });
  expect(at(51)).toMatchObject({ process: { pid: 50 }, hasTerminal: false });
  expect(at(50).process).toBeUndefined();
  const orphaned = PROCESSES.filter(({ pid }) => pid !== 50);
  expect(at(51, orphaned)).toMatchObject({ leader: { pid: 50, startTime: "" }, process: undefined });
  const unreaped = PROCESSES.map((entry) => (entry.pid === 50 ? { ...entry, isZombie: true } : entry));
  expect(at(51, unreaped).process).toBeUndefined();
});

test("a process runs until it is gone, is only waiting to be noted, or its pid belongs to another", () => {
  const agent = { pid: 20, startTime: "200", machine: "boot-1" };

  expect(isRunning(agent, table())).toBe(true);
  expect(isRunning({ ...agent, pid: 21 }, table())).toBe(false);
  expect(isRunning({ ...agent, startTime: "201" }, table())).toBe(false);
  expect(isRunning(agent, table(PROCESSES, "boot-2"))).toBe(false);
  expect(isRunning(agent, table([], "boot-1"))).toBe(false);
  expect(isRunning(agent, table([], "boot-1", {}, [agent.pid]))).toBe(true);
  expect(isRunning(agent, table(PROCESSES.map((entry) => ({ ...entry, isZombie: true }))))).toBe(false);
});
