import { parseServerUrl } from "@nexus/client";

/** What `make replay` was asked for. */
export interface ReplayOptions {
  /** The history: one JSON object a line. */
  readonly file: string;
  /** Processes that work at the same time: 1 to 64. */
  readonly agents: number;
  /** How many ready features, from the head of the queue, an agent chooses from. */
  readonly lookAhead: number;
  /** How long a changed line keeps a feature held, in milliseconds. */
  readonly msPerLine: number;
  /** False: agents take work from a plain queue without asking Nexus, to see whether the check finds what then happens. */
  readonly claims: boolean;
  readonly serverUrl: string;
  /** Whose project it will be; a throw-away engineer's when undefined. */
  readonly apiKey: string | undefined;
}

/** The variables can't be meant. The message has a line for each that is wrong. */
export class ReplayUsageError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ReplayUsageError";
  }
}

const DEFAULT_SERVER_URL = "http://127.0.0.1:3000";
const MAX_AGENTS = 64;
/** What one page of ListFeatures can hold: the look-ahead and what every other agent has in hand. */
const MAX_PAGE_SIZE = 500;

/**
 * Reads FILE, AGENTS, LOOKAHEAD, MS_PER_LINE, CLAIMS, NEXUS_URL and NEXUS_API_KEY.
 *
 * @throws ReplayUsageError
 */
export function readReplayOptions(env: Readonly<Record<string, string | undefined>>): ReplayOptions {
  const problems: string[] = [];
  const number = (name: string, fallback: number, most: number, isRight: (value: number) => boolean, what: string) => {
    const given = env[name];
    const value = given ? Number(given) : fallback;
    if (!(isRight(value) && value <= most)) problems.push(`${name}: ${JSON.stringify(given)} is not ${what}`);
    return value;
  };
  const isCount = (value: number) => Number.isInteger(value) && value >= 1;

  const file = env["FILE"] ?? "";
  if (file === "") problems.push("FILE: name a history, for example FILE=history.jsonl (docs/bench.md has its format)");
  const agents = number("AGENTS", 8, MAX_AGENTS, isCount, `a number from 1 to ${MAX_AGENTS}`);
  const deepest = MAX_PAGE_SIZE - MAX_AGENTS;
  const lookAhead = number("LOOKAHEAD", 50, deepest, isCount, `a number from 1 to ${deepest}`);
  const msPerLine = number("MS_PER_LINE", 1, 1_000, (value) => value >= 0, "a number of milliseconds from 0 to 1000");
  const claims = env["CLAIMS"] || "on";
  if (claims !== "on" && claims !== "off") problems.push(`CLAIMS: ${JSON.stringify(claims)} is neither on nor off`);
  if (claims === "off" && agents === 1)
    problems.push("AGENTS: with CLAIMS=off at least 2, since one alone overlaps nobody");
  const serverUrl = env["NEXUS_URL"] || DEFAULT_SERVER_URL;
  try {
    parseServerUrl(serverUrl);
  } catch (error) {
    problems.push(`NEXUS_URL: ${error instanceof Error ? error.message : error}`);
  }
  if (problems.length > 0) throw new ReplayUsageError(problems);
  return {
    file,
    agents,
    lookAhead,
    msPerLine,
    claims: claims === "on",
    serverUrl: parseServerUrl(serverUrl),
    apiKey: env["NEXUS_API_KEY"] || undefined,
  };
}
