import { parseServerUrl } from "@nexus/client";
import { CliError } from "../cli-error.ts";
import type { Config } from "./config-file.ts";

/** Where commands go when nothing was ever said. */
export const DEFAULT_SERVER = "http://127.0.0.1:3000";

/** Which server a command talks to, who said so, and the key to use. */
export interface ServerChoice {
  readonly url: string;
  readonly chosenBy: "NEXUS_URL" | "project link" | "login" | "default";
  /** Undefined when the user has none for this server. */
  readonly apiKey: string | undefined;
  /** False when only a file of the repository names it, and it is not on this machine. */
  readonly trusted: boolean;
}

/**
 * NEXUS_URL, else the server of the repository's link, else that of the last login, else the default.
 *
 * The link is a file of the repository, which others write. So a key goes to a server that only the link names when
 * the user logged in to that very server, and NEXUS_API_KEY only when the server is known from elsewhere or is on this
 * machine.
 *
 * @throws CliError when an address is none
 */
export function chooseServer(
  env: Readonly<Record<string, string | undefined>>,
  config: Config,
  linkedServer: string | undefined,
): ServerChoice {
  const given = env["NEXUS_API_KEY"] || undefined;
  if (env["NEXUS_URL"]) {
    const url = parse(env["NEXUS_URL"], "NEXUS_URL");
    return { url, chosenBy: "NEXUS_URL", apiKey: given ?? config.keys[url], trusted: true };
  }
  if (linkedServer !== undefined) {
    const url = parse(linkedServer, "the server in .nexus.json");
    const trusted = url === config.server || url in config.keys || isLoopback(url);
    return { url, chosenBy: "project link", apiKey: (trusted ? given : undefined) ?? config.keys[url], trusted };
  }
  if (config.server !== undefined) {
    const url = parse(config.server, "the server in config.json");
    return { url, chosenBy: "login", apiKey: given ?? config.keys[url], trusted: true };
  }
  return { url: DEFAULT_SERVER, chosenBy: "default", apiKey: given ?? config.keys[DEFAULT_SERVER], trusted: true };
}

function parse(text: string, source: string): string {
  try {
    return parseServerUrl(text);
  } catch (cause) {
    throw new CliError("USAGE_INVALID", `${source}: ${(cause as Error).message}`, "", { cause });
  }
}

function isLoopback(url: string): boolean {
  const host = new URL(url).hostname;
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}
