import { VERSION } from "./version.ts";

/** Nobody waits longer to hear that there is no server. */
const MOST_MS = 2_000;

/** What is known of the server's version. */
export type ServerVersion =
  | { readonly kind: "known"; readonly version: string; readonly fit: Fit }
  /** Something answers that tells no version: an older server, or none of ours. */
  | { readonly kind: "untold" }
  | { readonly kind: "away" };

/** Whether the command line and the server understand each other, and else which of them is to be updated. */
export type Fit = "fits" | "server-is-older" | "server-is-newer";

/** Asks the server for its version, for at most two seconds or `timeoutMs`. No key is sent. */
export async function askServerVersion(url: string, timeoutMs: number): Promise<ServerVersion> {
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(Math.min(timeoutMs, MOST_MS)) });
    const told: unknown = await answer.json().catch(() => undefined);
    const version = typeof told === "object" && told !== null && "version" in told ? told.version : undefined;
    if (typeof version !== "string" || parse(version) === undefined) return { kind: "untold" };
    return { kind: "known", version, fit: fitOf(VERSION, version) };
  } catch {
    return { kind: "away" };
  }
}

/** Versions fit when their first number is the same, and while that is 0 their second one, too. */
export function fitOf(own: string, servers: string): Fit {
  const [mine, theirs] = [significant(own), significant(servers)];
  if (mine === theirs) return "fits";
  return theirs < mine ? "server-is-older" : "server-is-newer";
}

/** The part of a version that has to be the same, as a number that orders it. */
function significant(version: string): number {
  const [major = 0, minor = 0] = parse(version) ?? [];
  return major === 0 ? minor / 1_000_000 : major;
}

function parse(version: string): readonly number[] | undefined {
  const [, ...numbers] = /^(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:[-+].{0,100})?$/.exec(version) ?? [];
  return numbers.length === 0 ? undefined : numbers.map(Number);
}
