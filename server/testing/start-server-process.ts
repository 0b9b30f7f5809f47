import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A server in a process of its own. */
export interface ServerProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it wrote so far, to stdout and stderr. */
  output(): string;
  /** Sends a signal and waits for the end; answers the exit code, or the signal's name. */
  end(signal?: NodeJS.Signals): Promise<number | string>;
}

const PRODUCTION_BUNDLE = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const START_BOUND_MS = 45_000;

/**
 * Starts the built server on a free port with this environment and nothing else of ours. The child has a channel for
 * messages, which the production bundle does not listen to.
 */
export async function startServerProcess(
  env: Readonly<Record<string, string>>,
  bundle = PRODUCTION_BUNDLE,
): Promise<ServerProcess> {
  if (!existsSync(bundle)) throw new Error(`${bundle} is not built; run 'make build'`);
  const { PATH = "", HOME = "" } = process.env;
  const child = fork(bundle, { env: { PATH, HOME, PORT: "0", ...env }, stdio: ["pipe", "pipe", "pipe", "ipc"] });
  let output = "";
  const ended = new Promise<number | string>((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal ?? 1));
  });
  const url = await new Promise<string>((resolve, reject) => {
    const bound = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`the server did not start in time:\n${output}`));
    }, START_BOUND_MS);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const [, found] = /serves on (\S+)/.exec(output) ?? [];
      if (found === undefined) return;
      clearTimeout(bound);
      resolve(found);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    ended.then((code) => {
      clearTimeout(bound);
      reject(new Error(`the server ended with ${code}:\n${output}`));
    });
  });
  return {
    url,
    child,
    output: () => output,
    end(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
