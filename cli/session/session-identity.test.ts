import { expect, test } from "vitest";
import { PROCESSES, table } from "../testing/process-table.ts";
import { findSessionIdentity, type IdentitySources } from "./session-identity.ts";

function identify(given: Partial<IdentitySources> = {}) {
  return findSessionIdentity({
    env: {},
    host: "h",
    pid: 10,
    parentPid: 1,
    processes: table(),
    now: new Date(),
    ...given,
  });
}

test("an agent's own session id names the session, wherever it works", () => {
  const env = { CLAUDE_CODE_SESSION_ID: "0199-a", CLAUDECODE: "1" };

  expect(identify({ env, pid: 10 })).toMatchObject({
    clientSessionId: "claude:0199-a",
    agent: "claude",
    foundBy: "CLAUDE_CODE_SESSION_ID",
  });
  expect(identify({ env, pid: 40 }).clientSessionId).toBe("claude:0199-a");
});

test("two agents in one terminal are two", () => {
  const first = identify({ env: { CODEX_THREAD_ID: "t1" } });
  const second = identify({ env: { CODEX_THREAD_ID: "t2" } });

  expect(first).toMatchObject({ agent: "codex", clientSessionId: "codex:t1" });
  expect(second.clientSessionId).not.toBe(first.clientSessionId);
});

test("a variable that was passed on unexpanded is no session id", () => {
  const env = { CLAUDE_CODE_SESSION_ID: ["$", "{CLAUDE_CODE_SESSION_ID}"].join("") };

  expect(identify({ env }).clientSessionId).toMatch(/^terminal:/);
});

test("the commands of one terminal are one worker, those of another are not", () => {
  const here = identify({ pid: 10 });

  expect(identify({ pid: 20 }).clientSessionId).toBe(here.clientSessionId);
  expect(identify({ pid: 40 }).clientSessionId).not.toBe(here.clientSessionId);
  expect(here).toMatchObject({ agent: "", foundBy: expect.stringContaining("process 10") });
});

test("a command that was put into a session of its own belongs to the terminal it was started from", () => {
  expect(identify({ pid: 30 }).clientSessionId).toBe(identify({ pid: 10 }).clientSessionId);
});

test("without any terminal the session leader decides", () => {
  expect(identify({ pid: 51 })).toMatchObject({ isBare: true, process: { pid: 50 } });
  expect(identify({ pid: 20 })).toMatchObject({ isBare: false, process: { pid: 10, startTime: "100" } });
  expect(identify({ pid: 51 }).clientSessionId).toBe(identify({ pid: 50 }).clientSessionId);
  expect(identify({ pid: 51 }).clientSessionId).not.toBe(identify({ pid: 10 }).clientSessionId);
});

test("a pid that came back after the terminal was closed, or the machine restarted, is another worker", () => {
  const before = identify({ pid: 10 }).clientSessionId;
  const reused = PROCESSES.map((entry) => (entry.pid === 10 ? { ...entry, startTime: "999" } : entry));

  expect(identify({ pid: 10, processes: table(reused) }).clientSessionId).not.toBe(before);
  expect(identify({ pid: 10, processes: table(PROCESSES, "boot-2") }).clientSessionId).not.toBe(before);
  expect(identify({ pid: 10, host: "other" }).clientSessionId).not.toBe(before);
});

test("an agent that gives no session id is named all the same, beside the terminal", () => {
  const { agent, clientSessionId } = identify({ env: { GEMINI_CLI: "1" } });

  expect(agent).toBe("gemini");
  expect(clientSessionId).toMatch(/^gemini:[0-9a-f]{32}$/);
});

test("no id is longer than the server takes, and long ones stay different", () => {
  const long = (end: string) => identify({ env: { CODEX_THREAD_ID: "x".repeat(500) + end } }).clientSessionId;

  expect(long("a").length).toBeLessThanOrEqual(200);
  expect(long("a")).not.toBe(long("b"));
});
