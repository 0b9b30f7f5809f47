/** Lines of progress come this far apart where they can't be rewritten. */
const LINE_EVERY_MS = 5_000;
/** The terminal's line is rewritten no more often. */
const REWRITE_EVERY_MS = 100;

/** Tells on stderr how far something is: one line that is rewritten on a terminal, else a new line now and then. */
export class ProgressLine {
  readonly #isTerminal = process.stderr.isTTY === true;
  #shownAt = Number.NEGATIVE_INFINITY;
  #isOpen = false;

  /** Shows the text unless another was shown just before. */
  show(text: string): void {
    const now = performance.now();
    if (now - this.#shownAt < (this.#isTerminal ? REWRITE_EVERY_MS : LINE_EVERY_MS)) return;
    this.#shownAt = now;
    this.#isOpen = this.#isTerminal;
    process.stderr.write(this.#isTerminal ? `\r\x1b[K${text}` : `${text}\n`);
  }

  /** Shows the text for good; what is shown next comes below it. */
  finish(text: string): void {
    this.clear();
    process.stderr.write(`${text}\n`);
    this.#shownAt = performance.now();
  }

  /** Removes what stands there. */
  clear(): void {
    if (this.#isOpen) process.stderr.write("\r\x1b[K");
    this.#isOpen = false;
  }
}
