import { type ChildProcess, fork } from "node:child_process";
import { endProcess } from "../process/end-process.ts";
import type { FromAgent, ToAgent } from "./messages.ts";

/** How long an agent may take to end when it is asked to, before it is killed. */
const END_BOUND_MS = 2_000;

/** An agent's process ended in the middle of its work, or could not do it. */
export class AgentFailedError extends Error {
  constructor(
    readonly agent: number,
    what: string,
  ) {
    super(`agent ${agent} ${what}`);
    this.name = "AgentFailedError";
  }
}

/** Processes that work as agents. Every one of them has ended when `stop` has. */
export class AgentFleet {
  readonly #children: readonly ChildProcess[];
  /** Rejects with the first failure; never resolves. */
  readonly #failed = Promise.withResolvers<never>();

  /**
   * Starts the processes.
   *
   * @param program the agent's bundle
   * @param onMessage is told whatever an agent says
   */
  constructor(
    program: string,
    count: number,
    private readonly onMessage: (agent: number, message: FromAgent) => void,
  ) {
    // Failures before anybody waits for one are not unhandled.
    this.#failed.promise.catch(() => {});
    this.#children = Array.from({ length: count }, (_, index) => this.#start(program, index + 1));
  }

  send(agent: number, message: ToAgent): void {
    // A channel that is closed belongs to an agent that has ended, which `exit` tells.
    this.#children[agent - 1]?.send(message, () => {});
  }

  /**
   * Sends every agent its message and resolves when each has answered with a message of that kind.
   *
   * @throws AgentFailedError as soon as one agent fails or ends
   */
  async toAll(message: (agent: number) => ToAgent, until: "prepared" | "finished"): Promise<void> {
    const answers = this.#children.map(async (child, index) => {
      const answered = new Promise<void>((resolve) => {
        child.on("message", (answer: FromAgent) => answer.kind === until && resolve());
      });
      this.send(index + 1, message(index + 1));
      await answered;
    });
    await Promise.race([Promise.all(answers), this.#failed.promise]);
  }

  /** Ends every process, whatever it does. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => endProcess(child, END_BOUND_MS)));
  }

  #start(program: string, agent: number): ChildProcess {
    const child = fork(program, [], { serialization: "advanced", stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const fail = (what: string) => this.#failed.reject(new AgentFailedError(agent, what));
    child.on("message", (message: FromAgent) => {
      if (message.kind === "failed") fail(`failed: ${message.message}`);
      else this.onMessage(agent, message);
    });
    child.on("error", (error) => fail(`could not be run: ${error.message}`));
    child.on("exit", (code, signal) => fail(`ended too early (${signal ?? `exit code ${code}`})`));
    return child;
  }
}
