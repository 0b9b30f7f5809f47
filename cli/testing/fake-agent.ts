import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type CommandResult, NEXUS } from "./cli-world.ts";

/**
 * Reads command lines and runs each as an agent does: by a shell of its own, which has the agent's session id in its
 * environment. The agent's own environment lacks it.
 */
const AGENT = `
while read -r line; do
  env \${1:+CLAUDE_CODE_SESSION_ID="$1"} sh -c "$line; exit \\$?" >"$2.out" 2>"$2.err" </dev/null
  echo "$?"
done`;

/** A long-lived process that runs commands, one after another; a terminal's shell when it has no id. */
export class FakeAgent {
  readonly process: ChildProcess;
  readonly #output: string;
  readonly #answers: AsyncIterator<string>;

  /**
   * Starts it.
   *
   * @param folder for what its commands write
   * @param env of the agent and its commands
   * @param id its own session id; empty for a worker that has none, in a session of processes of its own
   */
  constructor(folder: string, env: Readonly<Record<string, string>>, id: string) {
    this.#output = join(folder, `agent-${id || "none"}`);
    this.process = spawn("sh", ["-c", AGENT, "sh", id, this.#output], {
      cwd: folder,
      env,
      detached: id === "",
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.process.stdin?.on("error", () => {});
    if (this.process.stdout === null) throw new Error("the agent has no output");
    this.#answers = createInterface(this.process.stdout)[Symbol.asyncIterator]();
  }

  /** Runs `nexus` with these arguments and waits for its end. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    const words = [...Object.entries(env).map((pair) => pair.join("=")), NEXUS, ...args];
    this.process.stdin?.write(`env ${words.map((word) => `'${word}'`).join(" ")}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("the agent has ended");
    const [stdout = "", stderr = ""] = ["out", "err"].map((name) => readFileSync(`${this.#output}.${name}`, "utf8"));
    return { exitCode: Number(value), stdout, stderr };
  }

  /** Sends a signal to the agent alone, not to what it started. */
  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Kills it, in whatever state it is, and waits for its end. */
  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }
}
