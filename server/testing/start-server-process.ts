import { type ChildProcess, spawn } from "node:child_process";
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

const BUNDLE = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const START_BOUND_MS = 45_000;

/** Starts the built server on a free port with this environment and nothing else of ours. */
export async function startServerProcess(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  if (!existsSync(BUNDLE)) throw new Error("server/dist/main.js is not built; run 'make build'");
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [BUNDLE], { env: { PATH, HOME, PORT: "0", ...env }, stdio: "pipe" });
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
    child.stdout.on("data", read);
    child.stderr.on("data", read);
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
