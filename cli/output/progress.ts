import type { Writable } from "node:stream";
import { cleanLine } from "./clean-text.ts";
import { createStyle } from "./style.ts";
import type { Terminal } from "./terminal.ts";
import { cutText } from "./text-width.ts";

/** What takes longer than this is told, and told again as often, in milliseconds. */
const UNTOLD_MS = 1_000;
/** One wait right after another is the same waiting: a list of many pages. */
const SAME_MS = 200;
const CLEAR_LINE = "\r\u001b[K";

/**
 * Tells a person what is waited for, and for how long, on one line that is gone when the waiting ends. Nothing is told
 * outside of a terminal, or in the first second.
 */
export class Progress {
  readonly #stream: Writable;
  readonly #terminal: Terminal;
  readonly #waits = new Set<{ readonly what: string }>();
  #beginMs = Number.NEGATIVE_INFINITY;
  #endMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #shown = false;

  constructor(stream: Writable, terminal: Terminal) {
    this.#stream = stream;
    this.#terminal = terminal;
  }

  /** Tells of `what` until the work has ended. */
  async during<Answer>(what: string, work: Promise<Answer>): Promise<Answer> {
    if (this.#terminal.width === undefined) return work;
    const wait = { what };
    this.#waits.add(wait);
    if (this.#waits.size === 1) this.#begin();
    try {
      return await work;
    } finally {
      this.#waits.delete(wait);
      if (this.#waits.size === 0) this.#end();
    }
  }

  #begin(): void {
    const nowMs = performance.now();
    if (nowMs - this.#endMs > SAME_MS) this.#beginMs = nowMs;
    this.#tellIn(Math.max(0, UNTOLD_MS - (nowMs - this.#beginMs)));
  }

  #tellIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#tell();
      this.#tellIn(UNTOLD_MS);
    }, ms).unref();
  }

  #tell(): void {
    const seconds = Math.round((performance.now() - this.#beginMs) / 1_000);
    const told = [...new Set([...this.#waits].map(({ what }) => cleanLine(what)))].join(", ");
    const { dim } = createStyle(this.#terminal.color);
    const text = cutText(`${told}, ${seconds} s`, (this.#terminal.width ?? 80) - 1);
    this.#stream.write(`${CLEAR_LINE}${dim(text)}`);
    this.#shown = true;
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#endMs = performance.now();
    if (this.#shown) this.#stream.write(CLEAR_LINE);
    this.#shown = false;
  }
}
