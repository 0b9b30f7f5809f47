import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The environment that the folders are read from. */
type Environment = Readonly<Record<string, string | undefined>>;

/** `$XDG_CONFIG_HOME/nexus`: the configuration, with keys. */
export function configFolder(env: Environment): string {
  return join(baseFolder(env, "XDG_CONFIG_HOME", ".config"), "nexus");
}

/** `$XDG_STATE_HOME/nexus`: sessions and their fencing tokens. */
export function stateFolder(env: Environment): string {
  return join(baseFolder(env, "XDG_STATE_HOME", join(".local", "state")), "nexus");
}

/** The XDG rule: a relative value counts as none. */
function baseFolder(env: Environment, name: string, fallback: string): string {
  const given = env[name];
  if (given !== undefined && isAbsolute(given)) return given;
  return join(env["HOME"] || homedir(), fallback);
}
