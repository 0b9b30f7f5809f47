import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** A command that takes longer is stuck. */
const COMMAND_BOUND_MS = 30_000;

/** How a command of the command line ended. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as they came. */
  readonly output: string;
}

/** What an agent is made of. */
export interface DemoAgentFields {
  /** Whose agent it is: "ana". */
  readonly engineer: string;
  /** Which agent: "claude". */
  readonly agent: string;
  /** The variable in which such an agent keeps its session's id. */
  readonly sessionVariable: string;
  /** A folder of its own, for all that the command line keeps. */
  readonly home: string;
  /** The command line's program. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** An engineer's agent, which does everything with the command line, as real ones do. */
export class DemoAgent {
  readonly #fields: DemoAgentFields;
  readonly #env: Readonly<Record<string, string>>;

  constructor(fields: DemoAgentFields) {
    const { home, sessionVariable, engineer } = fields;
    this.#fields = fields;
    mkdirSync(home, { recursive: true, mode: 0o700 });
    this.#env = {
      ...fields.env,
      HOME: home,
      XDG_CONFIG_HOME: join(home, "config"),
      XDG_STATE_HOME: join(home, "state"),
      XDG_CACHE_HOME: join(home, "cache"),
      [sessionVariable]: `demo-${engineer}`,
    };
  }

  /** "ana/claude". */
  get name(): string {
    return `${this.#fields.engineer}/${this.#fields.agent}`;
  }

  get engineer(): string {
    return this.#fields.engineer;
  }

  /** Runs `nexus` with these arguments and answers how it ended. */
  nexus(args: readonly string[]): Promise<CommandResult> {
    const { program, home, signal } = this.#fields;
    const child = spawn(program, args, {
      cwd: home,
      // Out of reach of Ctrl-C, which ends it by way of the signal below.
      detached: true,
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      timeout: COMMAND_BOUND_MS,
    });
    let [stdout, stderr, output] = ["", "", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      output += text;
    });
    return new Promise((resolve, reject) => {
      child.on("error", (error) => reject(signal.aborted ? signal.reason : error));
      child.on("close", (code) => resolve({ exitCode: code ?? 1, stdout, stderr, output }));
    });
  }
}
