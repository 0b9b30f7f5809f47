import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The launcher, as npm links it. */
export const NEXUS = join(dirname(dirname(fileURLToPath(import.meta.url))), "bin", "nexus");

/** How one command ended. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is run with, beside its arguments. */
export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
}

/** A server of the test's own, started by `nexus serve`. */
export interface TestServer {
  readonly url: string;
  /** Sends a signal and waits for the end; answers the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Somebody with a configuration and a state folder of their own. */
export class Person {
  readonly folder: string;

  constructor(
    parent: string,
    name: string,
    readonly serverUrl: string,
  ) {
    this.folder = join(parent, name);
    mkdirSync(this.folder, { recursive: true });
  }

  /** Runs the real command line as a process and waits for its end. */
  run(args: readonly string[], { env = {}, cwd = this.folder, input = "" }: CommandOptions = {}) {
    return runCommand(NEXUS, args, { env: { ...this.env, NEXUS_URL: this.serverUrl, ...env }, cwd, input });
  }

  /** What the command answers with `--json`; fails the test when it is refused. */
  async json<Answer>(args: readonly string[], options: CommandOptions = {}): Promise<Answer> {
    const { exitCode, stdout, stderr } = await this.run([...args, "--json"], options);
    if (exitCode !== 0) throw new Error(`nexus ${args.join(" ")} exited with ${exitCode}: ${stderr}`);
    return JSON.parse(stdout) as Answer;
  }

  /** A clean environment: nothing of the machine's agents or of its user's login. */
  get env(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.folder,
      XDG_CONFIG_HOME: join(this.folder, "config"),
      XDG_STATE_HOME: join(this.folder, "state"),
    };
  }
}

/** Runs a program to its end. */
export async function runCommand(
  program: string,
  args: readonly string[],
  { env, cwd, input = "" }: { readonly env: Record<string, string>; readonly cwd: string; readonly input?: string },
): Promise<CommandResult> {
  const child = spawn(program, args, { env, cwd, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { exitCode, ...output };
}

/**
 * Starts `nexus serve` with embedded stores in `folder` and waits until it serves. Port 0 takes a free one; `program` is
 * another launcher than the repository's.
 */
export async function startServer(folder: string, port = 0, program = NEXUS): Promise<TestServer> {
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  // Where PostgreSQL may not run as root, the account that it runs under instead has to get in here.
  chmodSync(data, 0o711);
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, NEXUS_REGISTRATION: "open", LOG_LEVEL: "warn" };
  const args = ["serve", "--port", String(port), "--host", "127.0.0.1", "--data-dir", data];
  const child = spawn(program, args, { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const url = await servingUrl(child);
  return {
    url,
    async stop(signal = "SIGTERM") {
      const ended = once(child, "exit");
      child.kill(signal);
      const [exitCode] = (await ended) as [number | null];
      return exitCode;
    },
  };
}

function servingUrl(child: ChildProcess): Promise<string> {
  let told = "";
  return new Promise((resolve, reject) => {
    const read = (text: Buffer) => {
      told += text;
      const [, url] = /Nexus serves on (\S+)/.exec(told) ?? [];
      if (url !== undefined) resolve(url);
    };
    child.stderr?.on("data", read);
    child.stdout?.on("data", read);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${told}`)));
  });
}
