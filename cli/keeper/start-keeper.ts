import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../cli-error.ts";
import type { ProcessTable } from "../session/process-table.ts";
import { VERSION } from "../version.ts";
import { isServing, type KeeperPlace, KeeperRecords } from "./keeper-record.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What a keeper gets of its starter's environment. Nothing else: who looks for an agent's left-over processes by the
 * agent's variables must not find it.
 */
const PASSED_ON = [
  "HOME",
  "PATH",
  "XDG_CONFIG_HOME",
  "XDG_STATE_HOME",
  "XDG_CACHE_HOME",
  "NEXUS_API_KEY",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

/** Small heaps: what it keeps is a few hundred bytes a session. */
const NODE_OPTIONS = ["--max-semi-space-size=1", "--max-old-space-size=128"];

/**
 * Makes sure that a keeper runs which is no older than this command line. It outlives this process and whatever started
 * that: in a process group of its own, without a terminal, and with nothing open that is ours.
 *
 * @throws CliError FILE_UNUSABLE when its program is not there
 */
export function ensureKeeper(
  place: KeeperPlace,
  env: Environment,
  programFolder: string,
  processes: ProcessTable,
): void {
  if (isServing(new KeeperRecords(env).read(place.id), VERSION, processes)) return;
  const program = join(programFolder, "keeper.cjs");
  if (!existsSync(program)) throw new CliError("FILE_UNUSABLE", `${program} is missing; nothing renews this session`);
  const child = spawn(process.execPath, [...NODE_OPTIONS, program, place.id, place.server], {
    cwd: "/",
    detached: true,
    stdio: "ignore",
    env: Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
  });
  // Told by `nexus session show`, as a keeper that does not run.
  child.on("error", () => {});
  child.unref();
}
