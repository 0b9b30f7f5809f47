import { setTimeout as pause } from "node:timers/promises";
import type { CommandResult } from "./demo-agent.ts";

/** How long there is to read, on a terminal: a remark, and what a command said. */
const REMARK_PAUSE_MS = 900;
const OUTPUT_PAUSE_MS = 1_300;

/** SGR colours, one for each agent. */
const COLOURS = [36, 35, 33];
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Tells the demo's story on stdout: in colour and at a pace to read along on a terminal, plain and at once elsewhere. */
export class DemoTerminal {
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #coloured = this.#isTerminal && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  readonly #colourOf = new Map<string, number>();

  constructor(private readonly signal: AbortSignal) {}

  /** Says what comes next. */
  async remark(text: string): Promise<void> {
    process.stdout.write(`\n${this.#paint(1, text)}\n`);
    await this.#pause(REMARK_PAUSE_MS);
  }

  /** Shows a command as it is typed: `ana/claude $ nexus pick login`. */
  command(who: string, args: readonly string[]): void {
    const colour = this.#colourOf.get(who) ?? COLOURS[this.#colourOf.size % COLOURS.length] ?? 0;
    this.#colourOf.set(who, colour);
    process.stdout.write(`${this.#paint(colour, `${who} $`)} ${["nexus", ...args.map(quote)].join(" ")}\n`);
  }

  /** Shows what a command said. */
  async output({ output, exitCode }: CommandResult): Promise<void> {
    process.stdout.write(output.endsWith("\n") || output === "" ? output : `${output}\n`);
    if (exitCode !== 0) process.stdout.write(`${this.#paint(2, `(exit code ${exitCode})`)}\n`);
    await this.#pause(OUTPUT_PAUSE_MS);
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#isTerminal) return;
    await pause(ms, undefined, { signal: this.signal }).catch(() => this.signal.throwIfAborted());
  }

  #paint(code: number, text: string): string {
    return this.#coloured ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** As a shell would need it. */
function quote(arg: string): string {
  return PLAIN.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}
