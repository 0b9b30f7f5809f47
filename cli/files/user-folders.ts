import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { CliError } from "../cli-error.ts";

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

/** The XDG rule: a relative value counts as none. The same goes for HOME, or keys would land wherever a command runs. */
function baseFolder(env: Environment, name: string, fallback: string): string {
  const given = env[name];
  if (given !== undefined && isAbsolute(given)) return given;
  return join(homeFolder(env), fallback);
}

function homeFolder(env: Environment): string {
  const given = env["HOME"];
  if (given !== undefined && isAbsolute(given)) return given;
  try {
    return userInfo().homedir;
  } catch (cause) {
    throw new CliError("FILE_UNUSABLE", "HOME names no folder, and this user has none", "", { cause });
  }
}
