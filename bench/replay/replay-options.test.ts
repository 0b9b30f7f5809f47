import { expect, test } from "vitest";
import { ReplayUsageError, readReplayOptions } from "./replay-options.ts";

function problems(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readReplayOptions(env);
    return [];
  } catch (error) {
    if (!(error instanceof ReplayUsageError)) throw error;
    return error.problems;
  }
}

test("only the file has to be named", () => {
  expect(readReplayOptions({ FILE: "h.jsonl", AGENTS: "", NEXUS_URL: "" })).toEqual({
    file: "h.jsonl",
    agents: 8,
    lookAhead: 50,
    msPerLine: 1,
    claims: true,
    serverUrl: "http://127.0.0.1:3000",
    apiKey: undefined,
  });
});

test("every variable that can't be meant is told by its name", () => {
  const given = { AGENTS: "0", LOOKAHEAD: "1.5", MS_PER_LINE: "-1", CLAIMS: "no", NEXUS_URL: "here" };
  expect(problems(given).map((text) => text.replace(/:.*/, ""))).toEqual([
    "FILE",
    "AGENTS",
    "LOOKAHEAD",
    "MS_PER_LINE",
    "CLAIMS",
    "NEXUS_URL",
  ]);
  expect(problems({ FILE: "h", AGENTS: "1", CLAIMS: "off" })).toEqual([expect.stringMatching(/^AGENTS/)]);
  expect(problems({ FILE: "h", MS_PER_LINE: "0", AGENTS: "64", LOOKAHEAD: "436" })).toEqual([]);
  expect(problems({ FILE: "h", LOOKAHEAD: "437" })).toHaveLength(1);
});
