import type { Writable } from "node:stream";
import { cleanLine } from "./clean-text.ts";
import { createStyle } from "./style.ts";
import type { Terminal } from "./terminal.ts";
import { cutText } from "./text-width.ts";

/** What takes longer than this is told, in milliseconds. */
const UNTOLD_MS = 1_000;
const CLEAR_LINE = "\r\u001b[K";

/**
 * Tells a person what is waited for, and for how long, on one line that is gone when the waiting ends. Nothing is told
 * outside of a terminal, or in the first second.
 */
export class Progress {
  readonly #stream: Writable;
  readonly #terminal: Terminal;
  readonly #waits = new Set<string>();
  #beginMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #shown = false;

  constructor(stream: Writable, terminal: Terminal) {
    this.#stream = stream;
    this.#terminal = terminal;
  }

  /** Tells of `what` until the work has ended. */
  async during<Answer>(what: string, work: Promise<Answer>): Promise<Answer> {
    if (this.#terminal.width === undefined) return work;
    if (this.#waits.size === 0) this.#begin();
    this.#waits.add(what);
    try {
      return await work;
    } finally {
      this.#waits.delete(what);
      if (this.#waits.size === 0) this.#end();
    }
  }

  #begin(): void {
    this.#beginMs = performance.now();
    this.#timer = setInterval(() => this.#show(), UNTOLD_MS);
    this.#timer.unref();
  }

  #show(): void {
    const seconds = Math.round((performance.now() - this.#beginMs) / 1_000);
    const text = `${cleanLine([...this.#waits].join(", "))}, ${seconds} s`;
    const { dim } = createStyle(this.#terminal.color);
    this.#stream.write(`${CLEAR_LINE}${dim(cutText(text, (this.#terminal.width ?? 80) - 1))}`);
    this.#shown = true;
  }

  #end(): void {
    clearInterval(this.#timer);
    if (this.#shown) this.#stream.write(CLEAR_LINE);
    this.#shown = false;
  }
}
