import { join } from "node:path";
import { ensureWritable, readJsonFile, writePrivateFile } from "../files/private-file.ts";
import { configFolder } from "../files/user-folders.ts";

/** What `$XDG_CONFIG_HOME/nexus/config.json` holds. */
export interface Config {
  /** The server that commands go to where nothing else says so: the one of the last login. */
  readonly server?: string | undefined;
  /** The key of each server that the user is logged in to. A key is never sent to another server. */
  readonly keys: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the configuration is. */
export function configPath(env: Environment): string {
  return join(configFolder(env), "config.json");
}

/**
 * The configuration; an empty one when there is no file.
 *
 * @throws CliError FILE_UNUSABLE when the file is there and can't be read
 */
export function readConfig(env: Environment): Config {
  const stored = readJsonFile(configPath(env));
  if (typeof stored !== "object" || stored === null) return { keys: {} };
  const server = "server" in stored && typeof stored.server === "string" ? stored.server : undefined;
  const keys = "keys" in stored && typeof stored.keys === "object" && stored.keys !== null ? stored.keys : {};
  const valid = Object.entries(keys).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return { server, keys: Object.fromEntries(valid) };
}

/** Replaces the configuration. */
export function writeConfig(env: Environment, config: Config): void {
  writePrivateFile(configPath(env), `${JSON.stringify(config, null, 2)}\n`);
}

/** Keeps a server's key, beside those of other servers; commands go to that server from now on. */
export function keepKey(env: Environment, server: string, apiKey: string): void {
  writeConfig(env, { server, keys: { ...readConfig(env).keys, [server]: apiKey } });
}

/**
 * Fails where keepKey would. For use before registering: a new key that can't be kept is lost, and its email is taken
 * from then on.
 *
 * @throws CliError FILE_UNUSABLE
 */
export function ensureKeyCanBeKept(env: Environment): void {
  readConfig(env);
  ensureWritable(configPath(env));
}
